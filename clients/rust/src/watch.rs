//! Events as they are committed, over as many connections as it takes.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{BoxStream, Stream, TryStreamExt};
use tonic::{Status, Streaming};

use crate::connection::Connection;
use crate::error::Error;
use crate::resumption::{Progress, follow};
use crate::v1::event_service_client::EventServiceClient;
use crate::v1::watch_events_request::Position;
use crate::v1::watch_events_response::Control;
use crate::v1::{Event, WatchEventsRequest, WatchEventsResponse};

/// The events that a request asks for, each once and in order; [`Client::watch`](crate::Client::watch) makes it.
///
/// It is a [`Stream`]; the call that is under way ends when it is dropped.
pub struct Watch(BoxStream<'static, Result<Event, Error>>);

impl Watch {
    pub(crate) fn new(events: EventServiceClient<Connection>, request: WatchEventsRequest, patience: Duration) -> Self {
        Self(follow(WatchProgress { events, request, drained: None }, patience))
    }

    /// Waits for the next event; None at the end. Nothing is lost when the wait is cancelled.
    pub async fn try_next(&mut self) -> Result<Option<Event>, Error> {
        self.0.try_next().await
    }
}

impl Stream for Watch {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

struct WatchProgress {
    events: EventServiceClient<Connection>,
    request: WatchEventsRequest,
    drained: Option<Duration>,
}

impl Progress for WatchProgress {
    type Frame = WatchEventsResponse;
    type Item = Event;

    async fn open(&mut self) -> Result<Streaming<WatchEventsResponse>, Status> {
        self.drained = None;
        Ok(self.events.watch_events(self.request.clone()).await?.into_inner())
    }

    fn take(&mut self, frame: WatchEventsResponse) -> Vec<Event> {
        if !frame.cursor.is_empty() {
            self.request.position = Some(Position::After(frame.cursor));
            self.request.initial_state = false; // belongs to a beginning, and this is one no longer
        }
        if let Some(Control::Draining(draining)) = frame.control {
            let asked = draining.retry_delay.and_then(|delay| Duration::try_from(delay).ok());
            self.drained = Some(asked.unwrap_or_default());
        }
        frame.events
    }

    fn is_over(&self) -> bool {
        self.request.until_closed && self.drained.is_none()
    }

    fn asked_wait(&self) -> Duration {
        self.drained.unwrap_or_default()
    }
}
