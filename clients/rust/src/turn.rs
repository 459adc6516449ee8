//! One turn and its events, over as many connections as it takes.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::stream::{BoxStream, Stream, TryStreamExt};
use tonic::{Status, Streaming};

use crate::codec::identify;
use crate::connection::Connection;
use crate::error::Error;
use crate::resumption::{Progress, follow};
use crate::v1::turn_service_client::TurnServiceClient;
use crate::v1::{Event, RunTurnRequest, RunTurnResponse, Turn};

/// A turn, and a [`Stream`] of its events as they come; [`Client::run_turn`](crate::Client::run_turn) makes it.
pub struct RunningTurn {
    news: BoxStream<'static, Result<News, Error>>,
    turn: Option<Turn>,
}

impl RunningTurn {
    pub(crate) fn new(turns: TurnServiceClient<Connection>, mut request: RunTurnRequest, patience: Duration) -> Self {
        identify(&mut request); // here, so that it is the same with each attempt
        let progress = TurnProgress { turns, request, sequence: 0, ended: false };
        Self { news: follow(progress, patience), turn: None }
    }

    /// Waits for the next event; None when the turn has ended. Nothing is lost when the wait is cancelled.
    pub async fn try_next(&mut self) -> Result<Option<Event>, Error> {
        TryStreamExt::try_next(self).await
    }

    /// The turn as it ended; None until all of its events are read.
    pub fn turn(&self) -> Option<&Turn> {
        self.turn.as_ref()
    }

    /// Reads what is left of the events and returns the turn as it ended.
    pub async fn result(mut self) -> Result<Turn, Error> {
        while self.try_next().await?.is_some() {}
        self.turn.ok_or_else(|| Status::internal("the stream failed before the turn ended").into())
    }
}

impl Stream for RunningTurn {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match ready!(self.news.as_mut().poll_next(context)) {
                Some(Ok(News::Event(event))) => return Poll::Ready(Some(Ok(*event))),
                Some(Ok(News::End(turn))) => self.turn = Some(*turn),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl fmt::Debug for RunningTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningTurn").field("turn", &self.turn).finish_non_exhaustive()
    }
}

enum News {
    Event(Box<Event>),
    End(Box<Turn>),
}

struct TurnProgress {
    turns: TurnServiceClient<Connection>,
    request: RunTurnRequest,
    sequence: i64,
    ended: bool,
}

impl Progress for TurnProgress {
    type Frame = RunTurnResponse;
    type Item = News;

    async fn open(&mut self) -> Result<Streaming<RunTurnResponse>, Status> {
        Ok(self.turns.run_turn(self.request.clone()).await?.into_inner())
    }

    /// Leaves out what was seen before: a repeated call tells the turn from its beginning.
    fn take(&mut self, frame: RunTurnResponse) -> Vec<News> {
        let mut fresh = Vec::new();
        for event in frame.events {
            if event.sequence == 0 || event.sequence > self.sequence {
                self.sequence = self.sequence.max(event.sequence);
                fresh.push(News::Event(Box::new(event)));
            }
        }
        if let Some(turn) = frame.turn {
            self.ended = true;
            fresh.push(News::End(Box::new(turn)));
        }
        fresh
    }

    fn is_over(&self) -> bool {
        self.ended
    }
}
