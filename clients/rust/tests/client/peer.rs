//! A server that answers as a test says, and records what it was asked.

use std::convert::Infallible;
use std::future::ready;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt};
use greenroom::Client;
use greenroom::v1::{
    CreateSessionRequest, CreateSessionResponse, Event, RunTurnRequest, RunTurnResponse, WatchEventsRequest,
    WatchEventsResponse,
};
use tokio::runtime::{Builder, Runtime};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::server::Grpc;
use tonic::transport::{Server, ServerTlsConfig};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::service_fn;
use tower_service::Service;

pub type Frames<T> = Result<BoxStream<'static, Result<T, Status>>, Status>;

/// What the peer answers to one method, and what came in.
pub struct Script<Q, A> {
    asked: Arc<Mutex<Vec<(Q, MetadataMap)>>>,
    answer: Arc<dyn Fn(usize) -> A + Send + Sync>,
}

impl<Q: Clone, A> Script<Q, A> {
    /// `answer` is given the number of the attempt, counted from 1.
    pub fn new(answer: impl Fn(usize) -> A + Send + Sync + 'static) -> Self {
        Self { asked: Arc::default(), answer: Arc::new(answer) }
    }

    pub fn asked(&self) -> Vec<(Q, MetadataMap)> {
        self.asked.lock().unwrap().clone()
    }

    pub fn requests(&self) -> Vec<Q> {
        self.asked().into_iter().map(|(request, _)| request).collect()
    }

    fn play(&self, request: Request<Q>) -> A {
        let (metadata, _, message) = request.into_parts();
        let mut asked = self.asked.lock().unwrap();
        asked.push((message, metadata));
        (self.answer)(asked.len())
    }
}

impl<Q, A> Clone for Script<Q, A> {
    fn clone(&self) -> Self {
        Self { asked: self.asked.clone(), answer: self.answer.clone() }
    }
}

#[derive(Clone)]
pub struct Peer {
    pub creates: Script<CreateSessionRequest, Result<CreateSessionResponse, Status>>,
    pub watches: Script<WatchEventsRequest, Frames<WatchEventsResponse>>,
    pub turns: Script<RunTurnRequest, Frames<RunTurnResponse>>,
}

impl Default for Peer {
    fn default() -> Self {
        Self {
            creates: Script::new(|_| Ok(CreateSessionResponse::default())),
            watches: Script::new(|_| frames([])),
            turns: Script::new(|_| frames([])),
        }
    }
}

impl Peer {
    /// Starts to serve, at an address of its own.
    pub fn serve(&self) -> Serving {
        self.serve_with(Server::builder())
    }

    pub fn serve_tls(&self, tls: ServerTlsConfig) -> Serving {
        self.serve_with(Server::builder().tls_config(tls).unwrap())
    }

    fn serve_with(&self, server: Server) -> Serving {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let mut serving = Serving { peer: self.clone(), server, listener, runtime: None };
        serving.start();
        serving
    }
}

impl Service<http::Request<Body>> for Peer {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let Self { creates, watches, turns } = self.clone();
        Box::pin(async move {
            Ok(match request.uri().path() {
                "/greenroom.v1.SessionService/CreateSession" => {
                    let service = service_fn(move |request| ready(creates.play(request).map(Response::new)));
                    Grpc::new(ProstCodec::default()).unary(service, request).await
                }
                "/greenroom.v1.EventService/WatchEvents" => {
                    let service = service_fn(move |request| ready(watches.play(request).map(Response::new)));
                    Grpc::new(ProstCodec::default()).server_streaming(service, request).await
                }
                "/greenroom.v1.TurnService/RunTurn" => {
                    let service = service_fn(move |request| ready(turns.play(request).map(Response::new)));
                    Grpc::new(ProstCodec::default()).server_streaming(service, request).await
                }
                _ => Status::unimplemented("no such method").into_http(),
            })
        })
    }
}

/// A peer at work. It can be killed and started again at the same address.
pub struct Serving {
    peer: Peer,
    server: Server,
    listener: TcpListener,
    runtime: Option<Runtime>,
}

impl Serving {
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    pub fn client(&self) -> Client {
        Client::new(self.address().to_string()).unwrap()
    }

    pub fn start(&mut self) {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (peer, server, listener) = (self.peer.clone(), self.server.clone(), self.listener.try_clone().unwrap());
        runtime.spawn(async move {
            let incoming = TcpListenerStream::new(tokio::net::TcpListener::from_std(listener).unwrap());
            server.serve_with_incoming(peer, incoming).await.unwrap();
        });
        self.runtime = Some(runtime);
    }

    /// Breaks every connection off. Who connects then waits until it is started.
    pub fn kill(&mut self) {
        self.runtime.take().expect("it runs").shutdown_background();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Sends the frames and ends, with the failure if the last one is one.
pub fn frames<T: Send + 'static>(frames: impl IntoIterator<Item = Result<T, Status>>) -> Frames<T> {
    Ok(stream::iter(frames.into_iter().collect::<Vec<_>>()).boxed())
}

/// Sends the frames, and then nothing.
pub fn unending<T: Send + 'static>(first: impl IntoIterator<Item = T>) -> Frames<T> {
    let first: Vec<_> = first.into_iter().map(Ok).collect();
    Ok(stream::iter(first).chain(stream::pending()).boxed())
}

pub fn numbered(sequences: impl IntoIterator<Item = i64>) -> Vec<Event> {
    sequences.into_iter().map(|sequence| Event { sequence, ..Default::default() }).collect()
}

pub fn gone() -> Status {
    Status::unavailable("gone")
}
