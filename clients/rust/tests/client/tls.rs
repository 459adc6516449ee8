//! TLS: whom the client trusts, and where a token may go.

use greenroom::v1::{CreateSessionRequest, WatchEventsRequest};
use greenroom::{Certificate, Client, ClientTlsConfig, Code};
use std::time::Duration;
use tonic::transport::{Identity, ServerTlsConfig};

use crate::peer::Peer;

fn self_signed() -> rcgen::CertifiedKey<rcgen::KeyPair> {
    rcgen::generate_simple_self_signed(["127.0.0.1".into()]).unwrap()
}

fn trusting(certificate: &rcgen::Certificate) -> ClientTlsConfig {
    ClientTlsConfig::new().ca_certificate(Certificate::from_pem(certificate.pem()))
}

#[tokio::test]
async fn it_trusts_what_it_is_given_and_nothing_else() {
    let (own, stranger) = (self_signed(), self_signed());
    let peer = Peer::default();
    let identity = Identity::from_pem(own.cert.pem(), own.signing_key.serialize_pem());
    let serving = peer.serve_tls(ServerTlsConfig::new().identity(identity));
    let address = serving.address().to_string();

    let client = Client::builder(&address).tls_config(trusting(&own.cert)).token("secret").build().unwrap();
    client.sessions().create_session(CreateSessionRequest::default()).await.unwrap();
    assert_eq!(peer.creates.asked()[0].1.get("authorization").unwrap(), "Bearer secret");

    for wary in [Client::builder(&address).tls_config(trusting(&stranger.cert)), Client::builder(&address).tls()] {
        let client = wary.patience(Duration::ZERO).build().unwrap();
        let error = client.watch(WatchEventsRequest::default()).try_next().await.unwrap_err();
        assert_eq!(error.code(), Code::Unavailable);
    }
    assert!(peer.watches.asked().is_empty());
}

#[tokio::test]
async fn a_token_does_not_leave_this_machine_in_the_clear() {
    let error = Client::builder("greenroom.example:443").token("secret").build().unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.message().contains("could be read on its way: use tls"), "{error}");
    Client::builder("greenroom.example:443").token("secret").tls_config(ClientTlsConfig::new()).build().unwrap();
}

#[tokio::test]
async fn a_token_in_a_file_is_read_with_each_call() {
    let peer = Peer::default();
    let serving = peer.serve();
    let file = std::env::temp_dir().join(format!("greenroom-token-{}", std::process::id()));
    let client = Client::builder(serving.address().to_string()).token_file(&file).build().unwrap();
    let error = client.sessions().create_session(CreateSessionRequest::default()).await.unwrap_err();
    assert_eq!(error.code(), Code::Unauthenticated);
    for content in ["one\n", "two", ""] {
        std::fs::write(&file, content).unwrap();
        client.sessions().create_session(CreateSessionRequest::default()).await.unwrap();
    }
    std::fs::remove_file(&file).unwrap();
    client.sessions().create_session(CreateSessionRequest::default()).await.unwrap();
    let tokens: Vec<_> =
        peer.creates.asked().iter().map(|(_, sent)| sent.get("authorization").unwrap().clone()).collect();
    assert_eq!(tokens, ["Bearer one", "Bearer two", "Bearer two", "Bearer two"]);
}
