//! `watch`: where it goes on, and when it ends.

use std::collections::HashMap;
use std::net::TcpListener;
use std::time::Duration;

use futures_util::TryStreamExt;
use greenroom::v1::watch_events_request::Position;
use greenroom::v1::watch_events_response::Control;
use greenroom::v1::{ErrorReason, WatchDraining, WatchEventsRequest, WatchEventsResponse};
use greenroom::{Client, Code};
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt};

use crate::peer::{Peer, Script, frames, gone, numbered, unending};

fn frame(sequences: impl IntoIterator<Item = i64>, cursor: &str) -> WatchEventsResponse {
    WatchEventsResponse { events: numbered(sequences), cursor: cursor.into(), ..Default::default() }
}

fn until_closed() -> WatchEventsRequest {
    WatchEventsRequest { session_ids: vec!["a".into()], until_closed: true, ..Default::default() }
}

fn positions(peer: &Peer) -> Vec<Option<Position>> {
    peer.watches.requests().into_iter().map(|request| request.position).collect()
}

#[tokio::test]
async fn it_goes_on_behind_the_last_frame() {
    let peer = Peer {
        watches: Script::new(|attempt| match attempt {
            1 => frames([Ok(frame([1, 2], "two")), Err(gone())]),
            2 => Err(gone()),
            3 => frames([Ok(WatchEventsResponse {
                cursor: "bookmark".into(),
                control: Some(Control::Draining(WatchDraining::default())),
                ..Default::default()
            })]),
            _ => frames([Ok(frame([3], "three"))]),
        }),
        ..Default::default()
    };
    let serving = peer.serve();
    let seen: Vec<_> = serving.client().watch(until_closed()).try_collect().await.unwrap();
    assert_eq!(seen, numbered([1, 2, 3]));
    let after = |cursor: &str| Some(Position::After(cursor.into()));
    assert_eq!(positions(&peer), [None, after("two"), after("two"), after("bookmark")]);
}

#[tokio::test]
async fn a_connection_that_is_lost_is_made_again() {
    let peer = Peer {
        watches: Script::new(|attempt| match attempt {
            1 => unending([frame([1], "one")]),
            2 => unending([frame([2], "two")]),
            _ => frames([Ok(frame([3], "three"))]),
        }),
        ..Default::default()
    };
    let mut serving = peer.serve();
    let mut watch = serving.client().watch(until_closed());
    let mut seen = Vec::new();
    while let Some(event) = watch.try_next().await.unwrap() {
        seen.push(event);
        if seen.len() < 3 {
            serving.kill();
            serving.start();
        }
    }
    assert_eq!(seen, numbered([1, 2, 3]));
    assert_eq!(positions(&peer)[1..], ["one", "two"].map(|cursor| Some(Position::After(cursor.into()))));
}

#[tokio::test]
async fn it_ends_with_what_waiting_does_not_mend() {
    let peer = Peer {
        watches: Script::new(|_| {
            let told = HashMap::from([("oldest_revision".into(), "7".into())]);
            let details = ErrorDetails::with_error_info("CURSOR_BELOW_FLOOR", "greenroom.v1", told);
            Err(Status::with_error_details(Code::OutOfRange, "no", details))
        }),
        ..Default::default()
    };
    let serving = peer.serve();
    let mut watch = serving.client().watch(WatchEventsRequest::default());
    let error = watch.try_next().await.unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::OutOfRange, ErrorReason::CursorBelowFloor));
    assert_eq!(error.metadata()["oldest_revision"], "7");
    assert_eq!(watch.try_next().await.unwrap(), None);
    assert_eq!(peer.watches.asked().len(), 1);
}

#[tokio::test]
async fn it_goes_on_whatever_a_loss_is_called() {
    let peer = Peer {
        watches: Script::new(|attempt| {
            let name = match attempt {
                1 => Code::Internal,
                2 => Code::Unknown,
                3 => Code::Cancelled,
                _ => return frames([]),
            };
            let sequence = i64::try_from(attempt).unwrap();
            frames([Ok(frame([sequence], "behind")), Err(Status::new(name, "lost by a proxy"))])
        }),
        ..Default::default()
    };
    let serving = peer.serve();
    let seen: Vec<_> = serving.client().watch(until_closed()).try_collect().await.unwrap();
    assert_eq!(seen, numbered([1, 2, 3]));
}

#[tokio::test]
async fn it_ends_with_a_bug_of_the_server() {
    let peer = Peer {
        watches: Script::new(|_| {
            let details = ErrorDetails::with_error_info("INTERNAL", "greenroom.v1", HashMap::new());
            Err(Status::with_error_details(Code::Internal, "a bug", details))
        }),
        ..Default::default()
    };
    let serving = peer.serve();
    let error = serving.client().watch(until_closed()).try_next().await.unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    assert_eq!(peer.watches.asked().len(), 1);
}

#[tokio::test]
async fn one_that_was_on_waits_for_its_place_and_a_new_one_does_not() {
    let peer = Peer {
        watches: Script::new(|attempt| match attempt {
            1 => frames([Ok(frame([1], "one")), Err(gone())]),
            3 => frames([Ok(frame([2], "two"))]),
            _ => {
                let mut details = ErrorDetails::with_error_info("WATCHER_CAP", "greenroom.v1", HashMap::new());
                details.set_retry_info(Some(Duration::from_millis(1)));
                Err(Status::with_error_details(Code::ResourceExhausted, "full", details))
            }
        }),
        ..Default::default()
    };
    let serving = peer.serve();
    let client = serving.client();
    let seen: Vec<_> = client.watch(until_closed()).try_collect().await.unwrap();
    assert_eq!(seen, numbered([1, 2]));
    let error = client.watch(until_closed()).try_next().await.unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::ResourceExhausted, ErrorReason::WatcherCap));
    assert_eq!(peer.watches.asked().len(), 4);
}

#[tokio::test]
async fn it_gives_up_when_patience_is_over() {
    let peer = Peer { watches: Script::new(|_| Err(gone())), ..Default::default() };
    let serving = peer.serve();
    let builder = Client::builder(serving.address().to_string()).patience(Duration::from_millis(150));
    let error = builder.build().unwrap().watch(WatchEventsRequest::default()).try_next().await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(peer.watches.asked().len() > 1);
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap(); // and listens no longer
    let client = Client::builder(address.to_string()).patience(Duration::ZERO).build().unwrap();
    let error = client.watch(WatchEventsRequest::default()).try_next().await.unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::Unavailable, ErrorReason::Unspecified));
    assert!(error.message().contains("Connection refused"), "{error}");
}
