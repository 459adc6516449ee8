//! `run_turn`: one turn, however often its connection is lost.

use futures_util::StreamExt;
use greenroom::Code;
use greenroom::v1::{RunTurnRequest, RunTurnResponse, Turn};
use tonic::Status;

use crate::peer::{Peer, Script, frames, gone, numbered};

fn frame(sequences: impl IntoIterator<Item = i64>, turn: Option<Turn>) -> RunTurnResponse {
    RunTurnResponse { events: numbered(sequences), turn }
}

fn done() -> Option<Turn> {
    Some(Turn { result_text: "done".into(), ..Default::default() })
}

#[tokio::test]
async fn a_lost_turn_is_asked_for_again_and_not_started_again() {
    let peer = Peer {
        turns: Script::new(|attempt| match attempt {
            1 => frames([Ok(frame([4, 9], None)), Err(gone())]),
            _ => frames([Ok(frame([4, 9, 0, 10], None)), Ok(frame([], done()))]),
        }),
        ..Default::default()
    };
    let serving = peer.serve();
    let mut running =
        serving.client().run_turn(RunTurnRequest { session_id: "a".into(), prompt: "b".into(), ..Default::default() });
    let mut seen = Vec::new();
    while let Some(event) = running.next().await {
        seen.push(event.unwrap());
    }
    assert_eq!(seen, numbered([4, 9, 0, 10])); // an ephemeral event has no number, and is not left out
    assert_eq!(running.turn(), done().as_ref());
    assert_eq!(running.result().await.ok(), done());
    let ids: Vec<_> = peer.turns.requests().into_iter().map(|request| request.request_id).collect();
    assert_eq!(ids[0].len(), 36);
    assert_eq!(ids, [ids[0].as_str(); 2]);
}

#[tokio::test]
async fn the_result_needs_no_reading_of_events() {
    let peer = Peer { turns: Script::new(|_| frames([Ok(frame([1, 2], done()))])), ..Default::default() };
    let serving = peer.serve();
    assert_eq!(Some(serving.client().run_turn(RunTurnRequest::default()).result().await.unwrap()), done());
}

#[tokio::test]
async fn a_refused_turn_is_not_asked_for_again() {
    let peer = Peer { turns: Script::new(|_| Err(Status::failed_precondition("busy"))), ..Default::default() };
    let serving = peer.serve();
    let error = serving.client().run_turn(RunTurnRequest::default()).result().await.unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::FailedPrecondition, "busy"));
    assert_eq!(peer.turns.asked().len(), 1);
}
