//! Plays the scenario that every client plays: scenario ADDRESS WORKING_DIR SCENARIO [SECRETS]. It prints a transcript;
//! where the scenario restarts the server, it says restart_server and waits for a line on its input. SECRETS is a directory
//! for TLS.

use std::path::Path;

use greenroom::v1::event::Payload;
use greenroom::v1::watch_events_request::Position;
use greenroom::v1::{
    Approval, ApprovalDecision, ApprovalState, CloseSessionRequest, CreateSessionRequest, DecideApprovalRequest, Event,
    GetSessionRequest, InterruptTurnRequest, ResumeSessionRequest, RunTurnRequest, Session, SessionConfig,
    SessionState, StartTurnRequest, SuspendSessionRequest, Turn, TurnState, UpdateSessionRequest, WaitSessionRequest,
    WatchEventsRequest, WatchStart,
};
use greenroom::{Certificate, Client, ClientTlsConfig, Code, Error, Identity};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tokio::task::JoinHandle;

type Anything = Box<dyn std::error::Error + Send + Sync>;

/// One step; which fields it has depends on what it does.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Step {
    r#do: String,
    display_name: String,
    temperature: f64,
    max_turns: i32,
    prompt: String,
    states: Vec<String>,
    decide: String,
    hide: Vec<String>,
}

struct Play {
    client: Client,
    working_dir: String,
    session_id: String,
    watching: Option<JoinHandle<Result<Vec<Event>, Error>>>,
}

#[tokio::main]
async fn main() -> Result<(), Anything> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let secrets = if arguments.len() == 4 { arguments.pop() } else { None };
    let [address, working_dir, scenario] =
        <[String; 3]>::try_from(arguments).map_err(|_| "usage: scenario ADDRESS WORKING_DIR SCENARIO [SECRETS]")?;
    let client = match secrets {
        Some(secrets) => secured(address, Path::new(&secrets))?,
        None => Client::new(address)?,
    };
    let steps: Vec<Step> = serde_json::from_str(&std::fs::read_to_string(scenario)?)?;
    let mut play = Play { client, working_dir, session_id: String::new(), watching: None };
    for step in steps {
        play.step(&step).await.map_err(|error| format!("{}: {error}", step.r#do))?;
    }
    Ok(())
}

/// Makes a client of a directory for TLS: ca.crt, the client's tls.crt and tls.key, and a token.
fn secured(address: String, secrets: &Path) -> Result<Client, Anything> {
    let read = |name: &str| std::fs::read(secrets.join(name));
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(read("ca.crt")?))
        .identity(Identity::from_pem(read("tls.crt")?, read("tls.key")?))
        .domain_name("greenroom.test");
    Ok(Client::builder(address).tls_config(tls).token_file(secrets.join("token")).build()?)
}

impl Play {
    async fn step(&mut self, step: &Step) -> Result<(), Anything> {
        match step.r#do.as_str() {
            "create" => self.create(step).await,
            "wait" => self.wait(step).await,
            "create_invalid" => self.create_invalid(step).await,
            "watch" => self.watch(),
            "run_turn" => self.run_turn(step).await,
            "interrupt" => self.interrupt(step).await,
            "update_stale" => self.update_stale(step).await,
            "restart_server" => self.restart_server().await,
            "suspend" => self.suspend().await,
            "resume" => self.resume().await,
            "close" => self.close().await,
            "end_watch" => self.end_watch(step).await,
            _ => Err("no such step".into()),
        }
    }

    async fn create(&mut self, step: &Step) -> Result<(), Anything> {
        let config = SessionConfig { working_dir: self.working_dir.clone(), ..Default::default() };
        let display_name = step.display_name.clone();
        let request = CreateSessionRequest { display_name, config: Some(config), ..Default::default() };
        let session = self.client.sessions().create_session(request).await?.into_inner().session.unwrap_or_default();
        say(&["create", state_name(&session), &session.display_name]);
        self.session_id = session.session_id;
        Ok(())
    }

    async fn wait(&self, step: &Step) -> Result<(), Anything> {
        let states =
            step.states.iter().filter_map(|name| SessionState::from_str_name(&format!("SESSION_STATE_{name}")));
        self.until(&states.collect::<Vec<_>>()).await?;
        say(&["wait"]);
        Ok(())
    }

    async fn create_invalid(&self, step: &Step) -> Result<(), Anything> {
        let config = SessionConfig {
            working_dir: self.working_dir.clone(),
            temperature: Some(step.temperature),
            max_turns: Some(step.max_turns),
            ..Default::default()
        };
        let request = CreateSessionRequest { config: Some(config), ..Default::default() };
        refused("create_invalid", self.client.sessions().create_session(request).await)
    }

    fn watch(&mut self) -> Result<(), Anything> {
        let mut watch = self.client.watch(WatchEventsRequest {
            session_ids: vec![self.session_id.clone()],
            position: Some(Position::Start(WatchStart::Beginning.into())),
            until_closed: true,
            ..Default::default()
        });
        self.watching = Some(tokio::spawn(async move {
            let mut seen = Vec::new();
            while let Some(event) = watch.try_next().await? {
                seen.push(event);
            }
            Ok(seen)
        }));
        Ok(())
    }

    async fn run_turn(&self, step: &Step) -> Result<(), Anything> {
        let (session_id, prompt) = (self.session_id.clone(), step.prompt.clone());
        let mut running = self.client.run_turn(RunTurnRequest { session_id, prompt, ..Default::default() });
        while let Some(event) = running.try_next().await? {
            say(&[" ", &type_name(&event)]);
            if let Some(Payload::ApprovalRequested(asked)) = event.payload {
                self.decide(asked.approval.unwrap_or_default(), &step.decide).await?;
            }
        }
        let turn = running.turn().ok_or("the turn has not ended")?;
        say(&["run_turn", turn_state_name(turn), &turn.result_text]);
        Ok(())
    }

    async fn decide(&self, approval: Approval, decision: &str) -> Result<(), Anything> {
        let decision = ApprovalDecision::from_str_name(&format!("APPROVAL_DECISION_{decision}")).unwrap_or_default();
        let approval_id = approval.approval_id;
        let request = DecideApprovalRequest { approval_id, decision: decision.into(), ..Default::default() };
        let decided = self.client.turns().decide_approval(request.clone()).await?.into_inner();
        let approval = decided.approval.unwrap_or_default();
        let state = ApprovalState::as_str_name(&approval.state()).trim_start_matches("APPROVAL_STATE_");
        say(&["decide", &approval.tool_name, state]);
        refused("decide", self.client.turns().decide_approval(request).await)
    }

    async fn interrupt(&self, step: &Step) -> Result<(), Anything> {
        let (session_id, prompt) = (self.session_id.clone(), step.prompt.clone());
        let request = StartTurnRequest { session_id: session_id.clone(), prompt, ..Default::default() };
        let started = self.client.turns().start_turn(request).await?.into_inner();
        self.until(&[SessionState::Active]).await?;
        let turn_id = started.turn.unwrap_or_default().turn_id;
        let request = InterruptTurnRequest { session_id, turn_id, ..Default::default() };
        let interrupted = self.client.turns().interrupt_turn(request).await?.into_inner();
        say(&["interrupt", turn_state_name(&interrupted.turn.unwrap_or_default())]);
        Ok(())
    }

    async fn update_stale(&self, step: &Step) -> Result<(), Anything> {
        let session_id = self.session_id.clone();
        let request = GetSessionRequest { session_id: session_id.clone() };
        let before = self.client.sessions().get_session(request).await?.into_inner().session.unwrap_or_default();
        let renamed = Session { session_id, display_name: step.display_name.clone(), ..Default::default() };
        let mut request = UpdateSessionRequest { session: Some(renamed.clone()), ..Default::default() };
        request.update_mask.get_or_insert_default().paths.push("display_name".into());
        let updated = self.client.sessions().update_session(request.clone()).await?.into_inner();
        say(&["update", &updated.session.unwrap_or_default().display_name]);
        request.session = Some(Session { etag: before.etag, ..renamed });
        refused("update_stale", self.client.sessions().update_session(request).await)
    }

    async fn restart_server(&self) -> Result<(), Anything> {
        self.until(&[SessionState::Idle]).await?;
        say(&["restart_server"]);
        BufReader::new(stdin()).read_line(&mut String::new()).await?;
        Ok(())
    }

    async fn suspend(&self) -> Result<(), Anything> {
        let request = SuspendSessionRequest { session_id: self.session_id.clone(), ..Default::default() };
        let suspended = self.client.sessions().suspend_session(request).await?.into_inner();
        say(&["suspend", state_name(&suspended.session.unwrap_or_default())]);
        Ok(())
    }

    async fn resume(&self) -> Result<(), Anything> {
        let request = ResumeSessionRequest { session_id: self.session_id.clone(), ..Default::default() };
        self.client.sessions().resume_session(request).await?;
        self.until(&[SessionState::Ready, SessionState::Idle]).await?;
        say(&["resume"]);
        Ok(())
    }

    async fn close(&self) -> Result<(), Anything> {
        let request = CloseSessionRequest { session_id: self.session_id.clone(), ..Default::default() };
        self.client.sessions().close_session(request).await?;
        let closed = self.until(&[SessionState::Closed]).await?;
        let turns = closed.usage.as_ref().map_or(0, |usage| usage.turns);
        say(&["close", state_name(&closed), &turns.to_string()]);
        Ok(())
    }

    async fn end_watch(&mut self, step: &Step) -> Result<(), Anything> {
        let seen = self.watching.take().ok_or("nothing is watched")?.await??;
        for name in seen.iter().map(type_name).filter(|name| !step.hide.contains(name)) {
            say(&["watch", &name]);
        }
        let whole = seen.iter().map(|event| event.sequence).eq(1..=seen.len() as i64);
        say(&["end_watch", if whole { "gapless" } else { "with gaps" }]);
        Ok(())
    }

    async fn until(&self, states: &[SessionState]) -> Result<Session, Anything> {
        let states = states.iter().map(|&state| state.into()).collect();
        let request = WaitSessionRequest { session_id: self.session_id.clone(), states, ..Default::default() };
        let answer = self.client.sessions().wait_session(request).await?.into_inner();
        let session = answer.session.unwrap_or_default();
        if answer.matched { Ok(session) } else { Err(format!("the session stayed {}", state_name(&session)).into()) }
    }
}

/// Says how a call was refused; a call that was not is an error.
fn refused<T>(verb: &str, outcome: Result<T, greenroom::tonic::Status>) -> Result<(), Anything> {
    let error = Error::from(outcome.err().ok_or("not refused")?);
    let code = code_name(error.code());
    let mut fields: Vec<&str> = error.violations().iter().map(|violation| violation.field.as_str()).collect();
    fields.sort_unstable();
    say(&[&[verb, &code, error.reason_name()], fields.as_slice()].concat());
    Ok(())
}

fn say(words: &[&str]) {
    println!("{}", words.join(" "));
}

fn state_name(session: &Session) -> &'static str {
    session.state().as_str_name().trim_start_matches("SESSION_STATE_")
}

fn turn_state_name(turn: &Turn) -> &'static str {
    TurnState::as_str_name(&turn.state()).trim_start_matches("TURN_STATE_")
}

fn type_name(event: &Event) -> String {
    event.r#type().as_str_name().trim_start_matches("EVENT_TYPE_").to_lowercase()
}

/// Returns a code as the specification writes it, INVALID_ARGUMENT, where tonic says InvalidArgument.
fn code_name(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}
