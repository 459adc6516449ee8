//! TLS: the client trusts what it is given and nothing else, and the token goes along.

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
