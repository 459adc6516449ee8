//! Gives a prompt to a new session and prints what happens: quickstart ADDRESS WORKING_DIR PROMPT.

use greenroom::v1::{CloseSessionRequest, CreateSessionRequest, RunTurnRequest, SessionConfig};
use greenroom::{Client, Error};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Ok([address, working_dir, prompt]) = <[String; 3]>::try_from(arguments) else {
        eprintln!("usage: quickstart ADDRESS WORKING_DIR PROMPT");
        std::process::exit(2);
    };
    let client = Client::new(address)?;
    let config = SessionConfig { working_dir, ..Default::default() };
    let request = CreateSessionRequest { config: Some(config), ..Default::default() };
    let created = client.sessions().create_session(request).await?.into_inner();
    let session_id = created.session.unwrap_or_default().session_id;

    let request = RunTurnRequest { session_id: session_id.clone(), prompt, ..Default::default() };
    let mut running = client.run_turn(request);
    while let Some(event) = running.try_next().await? {
        println!("{} {}", event.sequence, event.r#type().as_str_name());
    }
    println!("{}", running.turn().map_or("", |turn| &turn.result_text));

    client.sessions().close_session(CloseSessionRequest { session_id, ..Default::default() }).await?;
    Ok(())
}
