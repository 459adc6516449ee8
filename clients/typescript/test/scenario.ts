// Plays the scenario that every client plays: node scenario.js ADDRESS WORKING_DIR SCENARIO [SECRETS]. Prints a
// transcript; where the scenario restarts the server, it says restart_server and waits for a line on its input.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import {
  type Approval,
  ApprovalDecision,
  ApprovalState,
  Client,
  type ClientOptions,
  Code,
  type Event,
  EventType,
  GreenroomError,
  type Session,
  SessionState,
  tokenFile,
  type Turn,
  TurnState,
  WatchStart,
} from "../src/index.js";

interface Step {
  do: string;
  display_name: string;
  temperature: number;
  max_turns: number;
  prompt: string;
  states: (keyof typeof SessionState)[];
  decide: keyof typeof ApprovalDecision;
  hide: string[];
}

class Play {
  private sessionId = "";
  private readonly watched: Event[] = [];
  private watching: Promise<void> = Promise.resolve();

  constructor(
    private readonly client: Client,
    private readonly workingDir: string,
  ) {}

  readonly verbs: Record<string, (step: Step) => Promise<void>> = {
    create: async ({ display_name: displayName }) => {
      const config = { workingDir: this.workingDir };
      const { session } = await this.client.sessions.createSession({ displayName, config });
      this.sessionId = session?.sessionId ?? "";
      say("create", stateName(session), session?.displayName);
    },

    wait: async ({ states }) => {
      await this.until(...states);
      say("wait");
    },

    create_invalid: async ({ temperature, max_turns: maxTurns }) => {
      const config = { workingDir: this.workingDir, temperature, maxTurns };
      await refused("create_invalid", this.client.sessions.createSession({ config }));
    },

    watch: () => {
      this.watching = this.readEvents();
      return Promise.resolve();
    },

    run_turn: async ({ prompt, decide }) => {
      const running = this.client.runTurn({ sessionId: this.sessionId, prompt });
      for await (const event of running) {
        say(" ", typeName(event));
        if (event.payload.case === "approvalRequested") {
          await this.decide(event.payload.value.approval, decide);
        }
      }
      say("run_turn", turnStateName(running.turn), running.turn?.resultText);
    },

    interrupt: async ({ prompt }) => {
      const { sessionId } = this;
      const { turn } = await this.client.turns.startTurn({ sessionId, prompt });
      await this.until("ACTIVE");
      const turnId = turn?.turnId ?? "";
      const interrupted = await this.client.turns.interruptTurn({ sessionId, turnId });
      say("interrupt", turnStateName(interrupted.turn));
    },

    update_stale: async ({ display_name: displayName }) => {
      const { sessionId } = this;
      const before = await this.client.sessions.getSession({ sessionId });
      const updateMask = { paths: ["display_name"] };
      const session = { sessionId, displayName };
      const updated = await this.client.sessions.updateSession({ session, updateMask });
      say("update", updated.session?.displayName);
      const stale = { ...session, etag: before.session?.etag ?? "" };
      await refused("update_stale", this.client.sessions.updateSession({ session: stale, updateMask }));
    },

    restart_server: async () => {
      await this.until("IDLE");
      say("restart_server");
      const input = createInterface({ input: process.stdin });
      await input.question("");
      input.close();
    },

    suspend: async () => {
      const { session } = await this.client.sessions.suspendSession({ sessionId: this.sessionId });
      say("suspend", stateName(session));
    },

    resume: async () => {
      await this.client.sessions.resumeSession({ sessionId: this.sessionId });
      await this.until("READY", "IDLE");
      say("resume");
    },

    close: async () => {
      await this.client.sessions.closeSession({ sessionId: this.sessionId });
      const closed = await this.until("CLOSED");
      say("close", stateName(closed), String(closed?.usage?.turns));
    },

    end_watch: async ({ hide }) => {
      await this.watching;
      for (const name of this.watched.map(typeName)) {
        if (!hide.includes(name)) {
          say("watch", name);
        }
      }
      const whole = this.watched.every((event, index) => event.sequence === BigInt(index + 1));
      say("end_watch", whole ? "gapless" : "with gaps");
    },
  };

  private async readEvents(): Promise<void> {
    const position = { case: "start", value: WatchStart.BEGINNING } as const;
    const sessionIds = [this.sessionId];
    for await (const event of this.client.watch({ sessionIds, position, untilClosed: true })) {
      this.watched.push(event);
    }
  }

  private async decide(approval: Approval | undefined, decision: Step["decide"]): Promise<void> {
    const request = { approvalId: approval?.approvalId ?? "", decision: ApprovalDecision[decision] };
    const { approval: decided } = await this.client.turns.decideApproval(request);
    say("decide", decided?.toolName, decided && ApprovalState[decided.state]);
    await refused("decide", this.client.turns.decideApproval(request));
  }

  private async until(...names: (keyof typeof SessionState)[]): Promise<Session | undefined> {
    const states = names.map((name) => SessionState[name]);
    const answer = await this.client.sessions.waitSession({ sessionId: this.sessionId, states });
    if (!answer.matched) {
      throw new Error(`the session stayed ${stateName(answer.session)}`);
    }
    return answer.session;
  }
}

function say(...words: (string | undefined)[]): void {
  console.log(words.join(" "));
}

async function refused(verb: string, call: Promise<unknown>): Promise<void> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof GreenroomError)) {
    throw new Error(`${verb} was not refused`, { cause: error });
  }
  // InvalidArgument in Connect is INVALID_ARGUMENT in the specification.
  const code = Code[error.code].replace(/(?<!^)([A-Z])/g, "_$1").toUpperCase();
  const fields = error.violations.map((violation) => violation.field).sort();
  say(verb, code, error.reason, ...fields);
}

function stateName(session: Session | undefined): string {
  return session ? SessionState[session.state] : "";
}

function turnStateName(turn: Turn | undefined): string {
  return turn ? TurnState[turn.state] : "";
}

function typeName(event: Event): string {
  return EventType[event.type].toLowerCase();
}

// Of a directory for TLS: ca.crt, the client's tls.crt and tls.key, and a token.
function secured(directory: string): ClientOptions {
  const [ca, cert, key] = ["ca.crt", "tls.crt", "tls.key"].map((name) => readFileSync(join(directory, name)));
  return { tls: { ca, cert, key, servername: "greenroom.test" }, token: tokenFile(join(directory, "token")) };
}

const [address, workingDir, scenario, secrets] = process.argv.slice(2);
if (!address || !workingDir || !scenario) {
  throw new Error("usage: scenario ADDRESS WORKING_DIR SCENARIO [SECRETS]");
}
const client = new Client(address, secrets ? secured(secrets) : {});
try {
  const play = new Play(client, workingDir);
  for (const step of JSON.parse(readFileSync(scenario, "utf8")) as Step[]) {
    await play.verbs[step.do]?.(step);
  }
} finally {
  client.close();
}
