//! Streams that outlive their connection: what they remember, and how long they wait.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use futures_util::stream::{self, BoxStream, StreamExt};
use tonic::{Code, Status, Streaming};

use crate::error::Error;
use crate::v1::ErrorReason;

const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Where a stream stands.
pub(crate) trait Progress: Send + 'static {
    /// What the server sends.
    type Frame: Send + 'static;
    /// What the reader gets.
    type Item: Send + 'static;

    /// Calls the server, to go on from here.
    fn open(&mut self) -> impl Future<Output = Result<Streaming<Self::Frame>, Status>> + Send;

    /// Takes note of a frame and returns what is new in it.
    fn take(&mut self, frame: Self::Frame) -> Vec<Self::Item>;

    /// Whether the end of the stream, once it came, was the end of everything.
    fn is_over(&self) -> bool;

    /// How long the server asks to wait before the next call.
    fn asked_wait(&self) -> Duration {
        Duration::ZERO
    }
}

/// Yields what is new in a stream and calls again where it breaks, until nothing has succeeded for as long as the patience
/// lasts. The call that is under way ends when the stream is dropped.
pub(crate) fn follow<P: Progress>(progress: P, patience: Duration) -> BoxStream<'static, Result<P::Item, Error>> {
    let backoff = Backoff { patience, ceiling: FIRST_WAIT, failing_since: None, begun: false };
    let following = Following { progress, backoff, call: None, ready: VecDeque::new() };
    stream::unfold(Some(following), |following| async move {
        let mut following = following?;
        match following.next().await.transpose()? {
            Ok(item) => Some((Ok(item), Some(following))),
            Err(error) => Some((Err(error), None)),
        }
    })
    .fuse() // a result may be asked for after the last event
    .boxed()
}

struct Following<P: Progress> {
    progress: P,
    backoff: Backoff,
    call: Option<Streaming<P::Frame>>,
    ready: VecDeque<P::Item>,
}

impl<P: Progress> Following<P> {
    async fn next(&mut self) -> Result<Option<P::Item>, Error> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Ok(Some(item));
            }
            let failure = match self.frame().await {
                Ok(Some(frame)) => {
                    self.backoff.succeeded();
                    self.ready.extend(self.progress.take(frame));
                    continue;
                }
                Ok(None) if self.progress.is_over() => return Ok(None),
                Ok(None) => None,
                Err(status) => Some(Error::from(status)),
            };
            self.call = None;
            let wait = self.backoff.wait_after(failure, self.progress.asked_wait())?;
            tokio::time::sleep(wait).await;
        }
    }

    async fn frame(&mut self) -> Result<Option<P::Frame>, Status> {
        if self.call.is_none() {
            self.call = Some(self.progress.open().await?);
        }
        self.call.as_mut().expect("opened above").message().await
    }
}

/// Waits between attempts: they double, and jitter keeps clients that were cut off together from returning so.
struct Backoff {
    patience: Duration,
    ceiling: Duration,
    failing_since: Option<Instant>,
    begun: bool,
}

impl Backoff {
    fn succeeded(&mut self) {
        (self.ceiling, self.failing_since, self.begun) = (FIRST_WAIT, None, true);
    }

    /// Whether the next attempt may succeed after a failure.
    fn mends(&self, failure: &Error) -> bool {
        if failure.reason_name().is_empty() {
            return is_loss(failure.code());
        }
        // A stream that was on is refused as one too many while the server still counts its lost connection.
        let capped = failure.reason() == ErrorReason::WatcherCap && failure.retry_delay().is_some();
        failure.code() == Code::Unavailable || self.begun && capped
    }

    /// Returns the failure if it is one that waiting does not mend, or once the patience is over. No failure is an end of
    /// the stream that is none of what it tells.
    fn wait_after(&mut self, failure: Option<Error>, at_least: Duration) -> Result<Duration, Error> {
        let failing_since = *self.failing_since.get_or_insert_with(Instant::now);
        let mut asked = at_least;
        if let Some(failure) = failure {
            if !self.mends(&failure) || failing_since.elapsed() >= self.patience {
                return Err(failure);
            }
            asked = asked.max(failure.retry_delay().unwrap_or_default());
        }
        let own = self.ceiling.mul_f64(0.5 + 0.5 * fastrand::f64());
        self.ceiling = (2 * self.ceiling).min(LONGEST_WAIT);
        Ok(asked + own)
    }
}

/// Whether a failure without a reason of the server is a lost connection. What it is called depends on the proxy that lost
/// it.
fn is_loss(code: Code) -> bool {
    matches!(code, Code::Unavailable | Code::Internal | Code::Unknown | Code::Cancelled)
}
