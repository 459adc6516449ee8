//! The client, and how it reaches its server.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tonic::Status;
use tonic::transport::{ClientTlsConfig, Endpoint};

use crate::connection::{BoxError, Connection, TokenSource};
use crate::error::Error;
use crate::token::{TokenFile, stays_here};
use crate::turn::RunningTurn;
use crate::v1::event_service_client::EventServiceClient;
use crate::v1::node_service_client::NodeServiceClient;
use crate::v1::profile_service_client::ProfileServiceClient;
use crate::v1::session_service_client::SessionServiceClient;
use crate::v1::turn_service_client::TurnServiceClient;
use crate::v1::{RunTurnRequest, WatchEventsRequest};
use crate::watch::Watch;

const USER_AGENT: &str = concat!("greenroom-rust/", env!("CARGO_PKG_VERSION"));
const LARGEST_MESSAGE: usize = 16 << 20; // bytes; above every cap of the contract
const PATIENCE: Duration = Duration::from_secs(60);

/// A client of one Greenroom server.
///
/// The calls of its services carry a request id where they change something, and are repeated, as the service config says,
/// while the server cannot be reached. It connects with the first call. A clone shares the connection, which is closed
/// with the last of them.
#[derive(Clone, Debug)]
pub struct Client {
    connection: Connection,
    patience: Duration,
}

impl Client {
    /// Returns a client of the server at `target`, such as `127.0.0.1:50051`, without encryption. Fails if that is no
    /// address. Panics outside of a tokio runtime.
    pub fn new(target: impl Into<String>) -> Result<Self, Error> {
        Self::builder(target).build()
    }

    /// Begins a client that says more about how it reaches its server.
    pub fn builder(target: impl Into<String>) -> ClientBuilder {
        ClientBuilder { target: target.into(), tls: None, token: None, patience: PATIENCE }
    }

    /// The calls about sessions.
    pub fn sessions(&self) -> SessionServiceClient<Connection> {
        SessionServiceClient::new(self.connection.clone()).max_decoding_message_size(LARGEST_MESSAGE)
    }

    /// The calls about turns and approvals.
    pub fn turns(&self) -> TurnServiceClient<Connection> {
        TurnServiceClient::new(self.connection.clone()).max_decoding_message_size(LARGEST_MESSAGE)
    }

    /// The calls about events.
    pub fn events(&self) -> EventServiceClient<Connection> {
        EventServiceClient::new(self.connection.clone()).max_decoding_message_size(LARGEST_MESSAGE)
    }

    /// The calls about profiles.
    pub fn profiles(&self) -> ProfileServiceClient<Connection> {
        ProfileServiceClient::new(self.connection.clone()).max_decoding_message_size(LARGEST_MESSAGE)
    }

    /// The calls about the server itself.
    pub fn nodes(&self) -> NodeServiceClient<Connection> {
        NodeServiceClient::new(self.connection.clone()).max_decoding_message_size(LARGEST_MESSAGE)
    }

    /// Yields the events that a request asks for, each once and in order.
    ///
    /// A lost connection is made again and the watch goes on behind the last event. An event's `cursor` is where to go on
    /// in another process: `Position::After(cursor)`. Ends only with `until_closed`, or with an error that waiting does not
    /// mend; [`ErrorReason::CursorBelowFloor`](crate::v1::ErrorReason::CursorBelowFloor) means that events were missed for
    /// good.
    pub fn watch(&self, request: WatchEventsRequest) -> Watch {
        Watch::new(self.events(), request, self.patience)
    }

    /// Gives a session a prompt. Nothing happens before the events are read.
    ///
    /// A lost connection is made again, and never starts a second turn: the request id is the same with each attempt.
    pub fn run_turn(&self, request: RunTurnRequest) -> RunningTurn {
        RunningTurn::new(self.turns(), request, self.patience)
    }
}

/// How a [`Client`] reaches its server.
#[must_use]
pub struct ClientBuilder {
    target: String,
    tls: Option<ClientTlsConfig>,
    token: Option<TokenSource>,
    patience: Duration,
}

impl ClientBuilder {
    /// Encrypts the connection, and trusts the system's authorities.
    pub fn tls(self) -> Self {
        self.tls_config(ClientTlsConfig::new().with_native_roots())
    }

    /// Encrypts the connection, and trusts whom the config says (`ca_certificate`); it may show a client certificate
    /// (`identity`), and say what the server is called (`domain_name`).
    pub fn tls_config(mut self, config: ClientTlsConfig) -> Self {
        self.tls = Some(config);
        self
    }

    /// Sends a bearer token with every call. [`build`](Self::build) fails if it would leave this machine unencrypted.
    pub fn token(self, token: impl Into<String>) -> Self {
        let token = token.into();
        self.token_source(move || std::future::ready(Ok(token.clone())))
    }

    /// Sends what is in a file as the bearer token. The file is read with every attempt of a call, so a new token is used
    /// from the next one on. Where it cannot be read or is empty for a moment, the token before is used.
    pub fn token_file(self, path: impl AsRef<Path>) -> Self {
        let file = TokenFile::new(path.as_ref());
        self.token_source(move || std::future::ready(file.read().map_err(Into::into)))
    }

    /// Asks for the bearer token with every attempt of a call. A call without one fails with `Unauthenticated`.
    pub fn token_source<S, F>(mut self, source: S) -> Self
    where
        S: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<String, BoxError>> + Send + 'static,
    {
        self.token = Some(Arc::new(move || Box::pin(source())));
        self
    }

    /// How long [`Client::watch`] and [`Client::run_turn`] try to reach a server again before they fail; a minute if not
    /// said.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Returns the client. Fails if the target is no address, the system's authorities cannot be read, or a token would
    /// leave this machine unencrypted. Panics outside of a tokio runtime.
    pub fn build(self) -> Result<Client, Error> {
        if self.token.is_some() && self.tls.is_none() && !stays_here(&self.target) {
            let problem = format!("the token for {} could be read on its way: use tls", self.target);
            return Err(Status::invalid_argument(problem).into());
        }
        let channel = self.endpoint().map_err(|error| {
            let mut status = Status::invalid_argument(format!("no connection to {}: {error}", self.target));
            status.set_source(Arc::new(error));
            status
        })?;
        Ok(Client { connection: Connection::new(channel.connect_lazy(), self.token), patience: self.patience })
    }

    fn endpoint(&self) -> Result<Endpoint, tonic::transport::Error> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let endpoint = Endpoint::from_shared(format!("{scheme}://{}", self.target))?
            .user_agent(USER_AGENT)?
            .connect_timeout(Duration::from_secs(5))
            .http2_keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(10));
        match &self.tls {
            Some(config) => endpoint.tls_config(config.clone()),
            None => Ok(endpoint),
        }
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("target", &self.target)
            .field("tls", &self.tls.is_some())
            .field("token", &self.token.is_some())
            .field("patience", &self.patience)
            .finish()
    }
}
