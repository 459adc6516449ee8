//! Single calls: request ids, tokens, retries, deadlines, and what a refusal tells.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use greenroom::v1::{CreateSessionRequest, CreateSessionResponse, ErrorReason, WatchEventsRequest};
use greenroom::{Client, Code, Error, FieldViolation};
use prost::Message;
use tonic::{Request, Status};
use tonic_types::{ErrorDetails, FieldViolation as Violation, StatusExt};

use crate::peer::{Peer, Script, gone, unending};

fn failing_once() -> Peer {
    let answer = |attempt| if attempt == 1 { Err(gone()) } else { Ok(CreateSessionResponse::default()) };
    Peer { creates: Script::new(answer), ..Default::default() }
}

#[tokio::test]
async fn a_change_is_repeated_under_one_request_id_with_a_token_for_each_attempt() -> Result<(), Error> {
    let peer = failing_once();
    let serving = peer.serve();
    let asked = AtomicUsize::new(0);
    let client = Client::builder(serving.address().to_string())
        .token_source(move || {
            let number = asked.fetch_add(1, Ordering::Relaxed);
            async move { Ok(format!("secret{number}")) }
        })
        .build()?;
    client.sessions().create_session(CreateSessionRequest::default()).await?;
    let calls = peer.creates.asked();
    assert_eq!(calls[0].0.request_id.len(), 36);
    assert_eq!(calls[0].0.request_id, calls[1].0.request_id);
    let tokens: Vec<_> = calls.iter().map(|(_, metadata)| metadata.get("authorization").unwrap()).collect();
    assert_eq!(tokens, ["Bearer secret0", "Bearer secret1"]);
    assert!(calls[0].1.get("user-agent").unwrap().to_str().unwrap().starts_with("greenroom-rust/"));
    Ok(())
}

#[tokio::test]
async fn a_request_id_that_is_given_is_kept() -> Result<(), Error> {
    let peer = failing_once();
    let serving = peer.serve();
    let request = CreateSessionRequest { request_id: "mine".into(), ..Default::default() };
    serving.client().sessions().create_session(request).await?;
    assert!(peer.creates.requests().iter().all(|request| request.request_id == "mine"));
    Ok(())
}

#[tokio::test]
async fn a_failure_that_is_no_absence_is_not_repeated() {
    let peer = Peer { creates: Script::new(|_| Err(Status::internal("a bug"))), ..Default::default() };
    let serving = peer.serve();
    let error = serving.client().sessions().create_session(CreateSessionRequest::default()).await.unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    assert_eq!(peer.creates.asked().len(), 1);
}

#[tokio::test]
async fn a_refusal_tells_everything() {
    let peer = Peer {
        creates: Script::new(|_| {
            let mut details = ErrorDetails::with_error_info("INVALID_FIELD", "greenroom.v1", HashMap::new());
            details.set_bad_request(vec![Violation::new("a.b", "c")]);
            details.set_retry_info(Some(Duration::from_millis(2500)));
            Err(Status::with_error_details(Code::InvalidArgument, "no", details))
        }),
        ..Default::default()
    };
    let serving = peer.serve();
    let status = serving.client().sessions().create_session(CreateSessionRequest::default()).await.unwrap_err();
    let error = Error::from(status);
    assert_eq!((error.code(), error.reason()), (Code::InvalidArgument, ErrorReason::InvalidField));
    assert_eq!(error.violations(), [FieldViolation { field: "a.b".into(), description: "c".into() }]);
    assert_eq!(error.retry_delay(), Some(Duration::from_millis(2500)));
    assert_eq!(error.to_string(), "INVALID_FIELD: no");
}

#[tokio::test]
async fn a_reason_of_another_domain_is_none_of_ours() {
    let details = ErrorDetails::with_error_info("ETAG_MISMATCH", "example.com", HashMap::new());
    let error = Error::from(Status::with_error_details(Code::Aborted, "no", details));
    assert_eq!((error.reason(), error.reason_name()), (ErrorReason::Unspecified, ""));
}

#[tokio::test]
async fn the_error_of_a_turn_is_read_like_that_of_a_call() {
    let mut details = ErrorDetails::with_error_info(
        "API_LIMIT_REACHED",
        "greenroom.v1",
        HashMap::from([("limit_kind".to_owned(), "FIVE_HOUR".to_owned())]),
    );
    details.set_retry_info(Some(Duration::from_secs(60)));
    let told = Status::with_error_details(Code::ResourceExhausted, "used up", details);
    let turn_error = tonic_types::Status::decode(told.details()).unwrap();
    let error = Error::from(turn_error);
    assert_eq!((error.code(), error.reason_name()), (Code::ResourceExhausted, "API_LIMIT_REACHED"));
    assert_eq!(error.metadata()["limit_kind"], "FIVE_HOUR");
    assert_eq!((error.message(), error.retry_delay()), ("used up", Some(Duration::from_secs(60))));
}

#[tokio::test]
async fn a_reason_that_is_new_keeps_its_name() {
    let details = ErrorDetails::with_error_info("FROM_THE_FUTURE", "greenroom.v1", HashMap::new());
    let error = Error::from(Status::with_error_details(Code::Aborted, "no", details));
    assert_eq!((error.reason(), error.reason_name()), (ErrorReason::Unspecified, "FROM_THE_FUTURE"));
}

#[tokio::test]
async fn the_deadline_of_the_service_config_is_told_and_the_callers_earlier_one_kept() -> Result<(), Error> {
    let peer = Peer::default();
    let serving = peer.serve();
    let client = serving.client();
    client.sessions().create_session(CreateSessionRequest::default()).await?;
    let mut request = Request::new(CreateSessionRequest::default());
    request.set_timeout(Duration::from_secs(5));
    client.sessions().create_session(request).await?;
    let told = peer.creates.asked().into_iter().map(|(_, metadata)| {
        let timeout = metadata.get("grpc-timeout").unwrap().to_str().unwrap().to_owned();
        timeout.strip_suffix('m').unwrap().parse::<u64>().unwrap()
    });
    let told: Vec<_> = told.collect();
    assert!((25_000..=30_000).contains(&told[0]), "{told:?}");
    assert!((1..=5_000).contains(&told[1]), "{told:?}");
    Ok(())
}

#[tokio::test]
async fn a_deadline_ends_an_answer_that_does_not_end() {
    let peer = Peer { watches: Script::new(|_| unending([])), ..Default::default() };
    let serving = peer.serve();
    let mut request = Request::new(WatchEventsRequest::default());
    request.set_timeout(Duration::from_millis(100));
    let mut frames = serving.client().events().watch_events(request).await.unwrap().into_inner();
    let ended = tokio::time::timeout(Duration::from_secs(10), frames.message()).await;
    assert_eq!(ended.expect("in time").unwrap_err().code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_call_without_a_token_is_not_made() {
    let peer = Peer::default();
    let serving = peer.serve();
    let client = Client::builder(serving.address().to_string())
        .token_source(|| async { Err("the vault is shut".into()) })
        .build()
        .unwrap();
    let error = client.sessions().create_session(CreateSessionRequest::default()).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::Unauthenticated, "no token: the vault is shut"));
    assert!(peer.creates.asked().is_empty());
}

#[tokio::test]
async fn a_target_that_is_no_address_is_an_error_at_once() {
    assert_eq!(Client::new("no address").unwrap_err().code(), Code::InvalidArgument);
}
