#![doc = include_str!("../README.md")]
#![warn(unreachable_pub)]

mod answer;
mod client;
mod codec;
mod connection;
mod deadline;
mod error;
mod resumption;
mod service_config;
mod token;
mod turn;
mod watch;

pub use answer::Answer;
pub use client::{Client, ClientBuilder};
pub use connection::Connection;
pub use error::{Error, FieldViolation};
pub use turn::RunningTurn;
pub use watch::Watch;

/// What the generated code and [`Client`] are made with, in the versions that fit.
pub use {prost_types, tonic};

pub use tonic::Code;
pub use tonic::transport::{Certificate, ClientTlsConfig, Identity};

/// Messages and services of `greenroom.v1`, generated from the contract.
///
/// A client here works on any channel: `SessionServiceClient::new(channel)`. Those of [`Client`] are on a [`Connection`].
#[allow(missing_docs, clippy::all, rustdoc::all)]
pub mod v1 {
    include!("generated/greenroom.v1.rs");
}
