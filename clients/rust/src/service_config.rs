//! The published service config, as the languages with a gRPC core read it; tonic has no reader of its own.

use std::sync::LazyLock;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};
use tonic::Code;

static PUBLISHED: LazyLock<ServiceConfig> = LazyLock::new(|| {
    serde_json::from_str(include_str!("service_config.json")).expect("a test reads the published service config")
});

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceConfig {
    method_config: Vec<MethodConfig>,
}

#[derive(Deserialize)]
struct MethodConfig {
    name: Vec<Name>,
    #[serde(flatten)]
    policy: Policy,
}

#[derive(Deserialize)]
struct Name {
    service: String,
    method: Option<String>,
}

/// How one method is to be called.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Policy {
    /// How long a call may take, with all of its attempts.
    #[serde(default, deserialize_with = "optional_duration")]
    pub(crate) timeout: Option<Duration>,
    /// None: a call that fails is not repeated.
    pub(crate) retry_policy: Option<RetryPolicy>,
}

/// When a failed attempt is repeated.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RetryPolicy {
    max_attempts: u32,
    #[serde(deserialize_with = "duration")]
    initial_backoff: Duration,
    #[serde(deserialize_with = "duration")]
    max_backoff: Duration,
    backoff_multiplier: f64,
    #[serde(deserialize_with = "codes")]
    retryable_status_codes: Vec<Code>,
}

/// Returns what the service config says of a method, such as `/greenroom.v1.SessionService/GetSession`: the entry that names
/// it, else the one of its service.
pub(crate) fn policy(path: &str) -> &'static Policy {
    static NONE: Policy = Policy { timeout: None, retry_policy: None };
    let (service, method) = path.trim_start_matches('/').split_once('/').unwrap_or((path, ""));
    let entry = |method: Option<&str>| {
        PUBLISHED
            .method_config
            .iter()
            .find(|config| config.name.iter().any(|name| name.service == service && name.method.as_deref() == method))
    };
    entry(Some(method)).or_else(|| entry(None)).map_or(&NONE, |config| &config.policy)
}

impl RetryPolicy {
    /// Returns how long to wait after the attempt of this number, counted from 1; None if there shall be no other. Jitter
    /// keeps clients that failed together from returning so.
    pub(crate) fn wait_after(&self, attempt: u32, code: Code) -> Option<Duration> {
        if attempt >= self.max_attempts || !self.retryable_status_codes.contains(&code) {
            return None;
        }
        let growth = self.backoff_multiplier.powi(attempt as i32 - 1);
        let ceiling = self.initial_backoff.mul_f64(growth).min(self.max_backoff);
        Some(ceiling.mul_f64(0.8 + 0.4 * fastrand::f64()))
    }
}

/// A duration as JSON writes those of protobuf, such as `0.2s`.
fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    let seconds = text.strip_suffix('s').and_then(|number| number.parse().ok());
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| de::Error::custom(format!("no duration: {text}")))
}

fn optional_duration<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    duration(from).map(Some)
}

fn codes<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Code>, D::Error> {
    let names = Vec::<String>::deserialize(from)?;
    names
        .iter()
        .map(|name| {
            (0..=16)
                .map(Code::from_i32)
                .find(|code| format!("{code:?}").eq_ignore_ascii_case(&name.replace('_', "")))
                .ok_or_else(|| de::Error::custom(format!("no status code: {name}")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_of_its_own_entry_has_its_own_deadline() {
        let of = |path| policy(path).timeout;
        assert_eq!(of("/greenroom.v1.SessionService/GetSession"), Some(Duration::from_secs(30)));
        assert_eq!(of("/greenroom.v1.SessionService/CloseSession"), Some(Duration::from_secs(660)));
        assert_eq!(of("/greenroom.v1.EventService/WatchEvents"), None);
        assert_eq!(of("/grpc.health.v1.Health/Check"), None);
    }

    #[test]
    fn attempts_are_counted_and_their_waits_grow_up_to_the_longest() {
        let retry = policy("/greenroom.v1.SessionService/GetSession").retry_policy.as_ref().unwrap();
        let seconds = |attempt| retry.wait_after(attempt, Code::Unavailable).unwrap().as_secs_f64();
        assert!((0.16..=0.24).contains(&seconds(1)));
        assert!((0.32..=0.48).contains(&seconds(2)));
        assert!(retry.wait_after(5, Code::Unavailable).is_none());
        assert!(retry.wait_after(1, Code::Internal).is_none());
        assert!(policy("/greenroom.v1.TurnService/RunTurn").retry_policy.is_none());
    }
}
