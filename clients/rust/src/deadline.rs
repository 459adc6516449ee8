//! When a call has to be over: told to the server, and kept here, also while the answer is read.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::{Body as HttpBody, Frame};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};
use tonic::Status;
use tonic::body::Body;

use crate::connection::lost;

const HEADER: &str = "grpc-timeout";
const UNITS: [(&str, Duration); 6] = [
    ("H", Duration::from_secs(3600)),
    ("M", Duration::from_secs(60)),
    ("S", Duration::from_secs(1)),
    ("m", Duration::from_millis(1)),
    ("u", Duration::from_micros(1)),
    ("n", Duration::from_nanos(1)),
];

/// The end of a call; there may be none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// The earlier one of what the caller asks for, in its headers, and of what the service config says.
    pub(crate) fn of(headers: &HeaderMap, published: Option<Duration>) -> Self {
        let asked = headers.get(HEADER).and_then(|value| parsed(value.to_str().ok()?));
        let timeout = asked.into_iter().chain(published).min();
        Self(timeout.and_then(|timeout| Instant::now().checked_add(timeout)))
    }

    /// Whether it comes later than the end of a wait that begins now.
    pub(crate) fn is_after(self, wait: Duration) -> bool {
        self.0.is_none_or(|end| Instant::now() + wait < end)
    }

    /// Writes what is left of it, for an attempt that begins now.
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        if let Some(end) = self.0 {
            let left = end.saturating_duration_since(Instant::now());
            // At most eight digits are allowed.
            let text = match left.as_millis() {
                millis @ ..100_000_000 => format!("{}m", millis.max(1)),
                _ => format!("{}S", left.as_secs().min(99_999_999)),
            };
            headers.insert(HEADER, HeaderValue::try_from(text).expect("digits and a letter"));
        }
    }

    /// Waits for the work, and fails when the deadline comes first.
    pub(crate) async fn bounds<T>(self, work: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
        match self.0 {
            Some(end) => timeout_at(end, work).await.unwrap_or_else(|_| Err(exceeded())),
            None => work.await,
        }
    }
}

/// The answer to a call, as it comes. It fails with the deadline, and where it breaks off without the server's last word.
#[derive(Debug)]
pub(crate) struct Answer {
    body: Body,
    end: Option<Pin<Box<Sleep>>>,
    over: bool,
}

impl Answer {
    /// `body` must be one that ends with trailers, as every answer does whose headers do not tell its status.
    pub(crate) fn new(body: Body, deadline: Deadline) -> Self {
        Self { body, end: deadline.0.map(|end| Box::pin(sleep_until(end))), over: false }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if this.over {
            return Poll::Ready(None);
        }
        if let Some(end) = &mut this.end
            && end.as_mut().poll(context).is_ready()
        {
            this.over = true;
            return Poll::Ready(Some(Err(exceeded())));
        }
        let frame = match ready!(Pin::new(&mut this.body).poll_frame(context)) {
            Some(frame) => frame.map_err(lost),
            // So hyper tells that the server has cancelled the stream.
            None => Err(Status::unavailable("the answer broke off")),
        };
        this.over = frame.as_ref().map_or(true, Frame::is_trailers);
        Poll::Ready(Some(frame))
    }
}

fn exceeded() -> Status {
    Status::deadline_exceeded("the deadline of the call has passed")
}

/// Reads a timeout as the header writes it, such as `250m`.
fn parsed(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let (_, length) = UNITS.iter().find(|(name, _)| *name == unit)?;
    length.checked_mul(digits.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Full};

    use super::*;

    #[tokio::test]
    async fn an_answer_without_a_last_word_is_a_lost_connection() {
        let body = Body::new(Full::new(Bytes::from_static(b"half")));
        let mut answer = Answer::new(body, Deadline(None));
        assert!(answer.frame().await.unwrap().is_ok());
        assert_eq!(answer.frame().await.unwrap().unwrap_err().code(), tonic::Code::Unavailable);
        assert!(answer.frame().await.is_none());
    }

    #[test]
    fn timeouts_are_read_in_every_unit() {
        assert_eq!(parsed("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(parsed("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parsed("7n"), Some(Duration::from_nanos(7)));
        assert_eq!(["", "7", "m", "7x", "-1S"].map(parsed), [None; 5]);
    }

    #[tokio::test]
    async fn what_is_told_fits_into_eight_digits() {
        let told = |timeout| {
            let mut headers = HeaderMap::new();
            Deadline::of(&headers, Some(timeout)).tell(&mut headers);
            headers[HEADER].to_str().unwrap().to_owned()
        };
        assert_eq!(told(Duration::ZERO), "1m");
        assert!(told(Duration::from_secs(200_000)).ends_with('S'));
    }
}
