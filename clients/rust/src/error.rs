//! A failed call, and what its status tells.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use prost::Message;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::v1::ErrorReason;

const DOMAIN: &str = "greenroom.v1";

/// One field of a request that breaks its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// Path as in the proto, such as `config.temperature`.
    pub field: String,
    /// The rule that it breaks.
    pub description: String,
}

/// A failed call: its status, and the `google.rpc` details of it.
///
/// The generated clients return a [`Status`]; `?` makes this of it.
#[derive(Clone)]
pub struct Error(Box<Told>);

#[derive(Clone)]
struct Told {
    status: Status,
    reason: String,
    metadata: HashMap<String, String>,
    violations: Vec<FieldViolation>,
    retry_delay: Option<Duration>,
}

impl Error {
    /// The status code.
    pub fn code(&self) -> Code {
        self.0.status.code()
    }

    /// What happened, for people.
    pub fn message(&self) -> &str {
        self.0.status.message()
    }

    /// Why, for programs: such as [`ErrorReason::EtagMismatch`] and [`ErrorReason::CursorBelowFloor`], the two to decide
    /// about. It is [`ErrorReason::Unspecified`] when the failure did not come from a Greenroom server, as that of a
    /// connection, or from one with more reasons than this crate knows.
    pub fn reason(&self) -> ErrorReason {
        ErrorReason::from_str_name(&format!("ERROR_REASON_{}", self.0.reason)).unwrap_or_default()
    }

    /// The same as the server names it, such as `ETAG_MISMATCH`; empty when the failure did not come from a server.
    pub fn reason_name(&self) -> &str {
        &self.0.reason
    }

    /// What the reason tells, such as the `etag` that the resource has now, or the `oldest_revision` that is kept.
    pub fn metadata(&self) -> &HashMap<String, String> {
        &self.0.metadata
    }

    /// Every field at fault.
    pub fn violations(&self) -> &[FieldViolation] {
        &self.0.violations
    }

    /// How long the server asks to wait; None if it does not.
    pub fn retry_delay(&self) -> Option<Duration> {
        self.0.retry_delay
    }

    /// The status as tonic knows it.
    pub fn status(&self) -> &Status {
        &self.0.status
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info().filter(|info| info.domain == DOMAIN).cloned();
        let (reason, metadata) = info.map(|info| (info.reason, info.metadata)).unwrap_or_default();
        let violations = details.bad_request().map_or_else(Vec::new, |bad| {
            let read = bad.field_violations.iter();
            read.map(|each| FieldViolation { field: each.field.clone(), description: each.description.clone() })
                .collect()
        });
        let retry_delay = retry_delay(&status);
        Self(Box::new(Told { status, reason, metadata, violations, retry_delay }))
    }
}

impl From<tonic_types::Status> for Error {
    /// Reads the `error` of a turn or a session; its retry delay counts from the end of the turn.
    fn from(error: tonic_types::Status) -> Self {
        let details = error.encode_to_vec().into();
        Status::with_details(Code::from(error.code), error.message, details).into()
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        error.0.status
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason_name() {
            "" => write!(f, "{:?}: {}", self.code(), self.message()),
            reason => write!(f, "{reason}: {}", self.message()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.code())
            .field("reason", &self.reason_name())
            .field("message", &self.message())
            .field("metadata", self.metadata())
            .field("violations", &self.violations())
            .field("retry_delay", &self.retry_delay())
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.status.source()
    }
}

/// How long the server asks to wait before the call is repeated.
pub(crate) fn retry_delay(status: &Status) -> Option<Duration> {
    status.get_details_retry_info().and_then(|retry| retry.retry_delay)
}
