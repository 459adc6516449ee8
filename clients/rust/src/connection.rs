//! What lies between the generated clients and the channel: the token, the deadline, the retries.

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::iter::successors;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{AUTHORIZATION, HeaderValue};
use http::request::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tonic::body::Body;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tower_service::Service;

use crate::deadline::{Answer, Deadline};
use crate::error::retry_delay;
use crate::service_config::policy;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;
pub(crate) type TokenSource = Arc<dyn Fn() -> BoxFuture<'static, Result<String, BoxError>> + Send + Sync>;

/// A connection to one server, for the generated clients to call on.
///
/// It carries the token and keeps to the published service config: a call has a deadline, and is repeated while the server
/// cannot be reached, unless its answer has begun. A connection that was lost is [`Code::Unavailable`], whatever it was lost of. A clone is the same
/// connection.
#[derive(Clone)]
pub struct Connection {
    channel: Channel,
    token: Option<TokenSource>,
}

impl Connection {
    pub(crate) fn new(channel: Channel, token: Option<TokenSource>) -> Self {
        Self { channel, token }
    }

    async fn exchange(self, request: Request<Body>) -> Result<Response<Body>, Status> {
        let (head, body) = request.into_parts();
        let policy = policy(head.uri.path());
        let deadline = Deadline::of(&head.headers, policy.timeout);
        // Whole, to be sent again: no method of the contract streams its requests.
        let message = body.collect().await?.to_bytes();
        for attempt in 1.. {
            let failure = match deadline.bounds(self.attempt(&head, message.clone(), deadline)).await {
                Ok(response) => match refusal(&response) {
                    Some(status) => status,
                    None if response.headers().contains_key(Status::GRPC_STATUS) => return Ok(response), // and no more
                    None => return Ok(response.map(|body| Body::new(Answer::new(body, deadline)))),
                },
                Err(failure) => failure,
            };
            let wait = policy.retry_policy.as_ref().and_then(|retry| retry.wait_after(attempt, failure.code()));
            match wait.map(|wait| wait.max(retry_delay(&failure).unwrap_or(Duration::ZERO))) {
                Some(wait) if deadline.is_after(wait) => tokio::time::sleep(wait).await,
                _ => return Err(failure),
            }
        }
        unreachable!("a retry policy bounds the attempts")
    }

    async fn attempt(&self, head: &Parts, message: Bytes, deadline: Deadline) -> Result<Response<Body>, Status> {
        let mut request = Request::from_parts(head.clone(), Body::new(Full::new(message)));
        deadline.tell(request.headers_mut());
        if let Some(token) = &self.token {
            let token = token().await.map_err(|error| Status::unauthenticated(format!("no token: {error}")))?;
            let mut value = HeaderValue::try_from(format!("Bearer {token}"))
                .map_err(|_| Status::unauthenticated("the token holds what no header can hold"))?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let mut channel = self.channel.clone();
        poll_fn(|context| channel.poll_ready(context)).await.map_err(|error| lost(Status::from_error(error.into())))?;
        channel.call(request).await.map_err(|error| lost(Status::from_error(error.into())))
    }
}

impl Service<Request<Body>> for Connection {
    type Response = Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Status>> + Send>>;

    // Each attempt waits for the channel itself.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().exchange(request))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("channel", &self.channel).finish_non_exhaustive()
    }
}

/// Returns what an answer failed with whose headers are all of it: a status, or a word of something in between, such as a
/// load balancer, in HTTP's codes.
fn refusal(response: &Response<Body>) -> Option<Status> {
    if let Some(status) = Status::from_header_map(response.headers()) {
        return Some(status).filter(|status| status.code() != Code::Ok);
    }
    let code = match response.status().as_u16() {
        200 => return None,
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    };
    Some(Status::new(code, format!("no answer of gRPC, but HTTP {}", response.status())))
}

/// Returns what a connection failed with, causes included, under the code that it has in every other language: tonic says
/// Unknown, Internal or Cancelled of a loss, depending on where it is seen first.
pub(crate) fn lost(failure: Status) -> Status {
    let code = match failure.code() {
        code @ (Code::DeadlineExceeded | Code::ResourceExhausted | Code::PermissionDenied) => code,
        _ => Code::Unavailable,
    };
    let mut message = failure.message().to_owned();
    for cause in successors(failure.source(), |&cause| cause.source()).map(ToString::to_string) {
        if !message.contains(&cause) {
            message = format!("{message}: {cause}");
        }
    }
    let mut status = Status::new(code, message);
    status.set_source(Arc::new(failure));
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_answer_of_a_server_is_a_refusal_too() {
        let code = |status: u16| {
            let response = Response::builder().status(status).body(Body::empty()).unwrap();
            refusal(&response).map(|status| status.code())
        };
        assert_eq!(code(200), None);
        assert_eq!(code(503), Some(Code::Unavailable));
        assert_eq!(code(404), Some(Code::Unimplemented));
        assert_eq!(code(500), Some(Code::Unknown));
    }

    #[test]
    fn headers_that_end_a_call_well_are_no_refusal() {
        let response = Response::builder().header("grpc-status", "0").body(Body::empty()).unwrap();
        assert!(refusal(&response).is_none());
    }
}
