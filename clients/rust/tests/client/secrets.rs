//! What shows, and what does not.

use greenroom::v1::{CreateSessionRequest, SessionConfig};
use greenroom::{Client, ClientTlsConfig};

#[test]
fn a_config_shows_no_token() {
    let config = SessionConfig { oauth_token: "secret".into(), model: "sonnet".into(), ..Default::default() };
    let shown = format!("{:?}", CreateSessionRequest { config: Some(config), ..Default::default() });
    assert!(shown.contains("sonnet") && shown.contains("[redacted]") && !shown.contains("secret"), "{shown}");
}

#[tokio::test]
async fn a_client_shows_no_token() {
    let builder = Client::builder("127.0.0.1:1").tls_config(ClientTlsConfig::new()).token("secret");
    let shown = format!("{builder:?}");
    let shown = format!("{shown} {:?}", builder.build().unwrap());
    assert!(!shown.contains("secret"), "{shown}");
}
