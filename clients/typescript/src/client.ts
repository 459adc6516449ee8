import { type MessageInitShape, create } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { type Client as ServiceClient, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import type { SecureClientSessionOptions } from "node:http2";
import { GreenroomError } from "./errors.js";
import type { Event } from "./gen/greenroom/v1/event_pb.js";
import {
  EventService,
  type WatchEventsRequest,
  WatchEventsRequestSchema,
  type WatchEventsResponse,
} from "./gen/greenroom/v1/event_service_pb.js";
import { NodeService } from "./gen/greenroom/v1/node_service_pb.js";
import { ProfileService } from "./gen/greenroom/v1/profile_service_pb.js";
import { SessionService } from "./gen/greenroom/v1/session_service_pb.js";
import type { Turn } from "./gen/greenroom/v1/turn_pb.js";
import {
  type RunTurnRequest,
  RunTurnRequestSchema,
  type RunTurnResponse,
  TurnService,
} from "./gen/greenroom/v1/turn_service_pb.js";
import { follow } from "./resumption.js";
import { staysHere, type Token } from "./token.js";
import { either, repeatable, SafeTransport } from "./transport.js";

const PATIENCE_MS = 60_000;

/** How a client reaches its server. */
export interface ClientOptions {
  /**
   * Encrypt the connection: `true` trusts the system's authorities, an object says more: `ca` whom to trust, `cert` and
   * `key` the client's own certificate, `servername` what the server's certificate has to say.
   */
  readonly tls?: boolean | SecureClientSessionOptions;
  /**
   * Sent as a bearer token with every call; a function is asked each time, such as that of {@link tokenFile}. It leaves
   * this machine only encrypted: the constructor throws where it would not.
   */
  readonly token?: Token;
  /** How long `watch` and `runTurn` try to reach a server again before they fail; a minute if not given. */
  readonly patienceMs?: number;
}

/**
 * One connection to a Greenroom server.
 *
 * The calls of its services throw {@link GreenroomError}, carry a request id where they change something, and are repeated,
 * as the service config says, while the server cannot be reached.
 */
export class Client {
  readonly sessions: ServiceClient<typeof SessionService>;
  readonly turns: ServiceClient<typeof TurnService>;
  readonly events: ServiceClient<typeof EventService>;
  readonly profiles: ServiceClient<typeof ProfileService>;
  readonly nodes: ServiceClient<typeof NodeService>;

  readonly #connection: Http2SessionManager;
  readonly #closing = new AbortController();
  readonly #patienceMs: number;

  /** `target` is a host and a port, such as `127.0.0.1:50051`. It is connected to with the first call. */
  constructor(target = "127.0.0.1:50051", { tls = false, token, patienceMs = PATIENCE_MS }: ClientOptions = {}) {
    if (token && !tls && !staysHere(target)) {
      throw new Error(`the token for ${target} could be read on its way: use tls`);
    }
    const baseUrl = `${tls ? "https" : "http"}://${target}`;
    const keepalive = { pingIntervalMs: 30_000, pingTimeoutMs: 10_000 };
    this.#connection = new Http2SessionManager(baseUrl, keepalive, typeof tls === "object" ? tls : undefined);
    const inner = createGrpcTransport({ baseUrl, sessionManager: this.#connection });
    const transport = new SafeTransport(inner, token, this.#closing.signal);
    this.sessions = createClient(SessionService, transport);
    this.turns = createClient(TurnService, transport);
    this.events = createClient(EventService, transport);
    this.profiles = createClient(ProfileService, transport);
    this.nodes = createClient(NodeService, transport);
    this.#patienceMs = patienceMs;
  }

  /**
   * Yields the events that a request asks for, each once and in order.
   *
   * A lost connection is made again and the watch goes on behind the last event. An event's `cursor` is where to go on in
   * another process: `position: { case: "after", value: cursor }`. Ends only with `untilClosed`, or with an error that
   * waiting does not mend; {@link CursorBelowFloor} means that events were missed for good.
   */
  watch(
    request: MessageInitShape<typeof WatchEventsRequestSchema>,
    signal?: AbortSignal,
  ): AsyncGenerator<Event, void, undefined> {
    const next: WatchEventsRequest = create(WatchEventsRequestSchema, request);
    let askedMs: number | undefined;
    const progress = {
      open: (signal: AbortSignal) => {
        askedMs = undefined;
        return this.events.watchEvents(next, { signal });
      },
      take: (frame: WatchEventsResponse) => {
        if (frame.cursor) {
          next.position = { case: "after", value: frame.cursor };
          next.initialState = false; // belongs to a beginning, and this is one no longer
        }
        if (frame.control.case === "draining") {
          const { retryDelay } = frame.control.value;
          askedMs = retryDelay ? durationMs(retryDelay) : 0;
        }
        return frame.events;
      },
      over: () => next.untilClosed && askedMs === undefined,
      askedMs: () => askedMs ?? 0,
    };
    return follow(progress, this.#patienceMs, either(signal, this.#closing.signal));
  }

  /**
   * Gives a session a prompt; the events of the turn are to be iterated once. Nothing happens before.
   *
   * A lost connection is made again, and never starts a second turn: the request id is the same with each attempt.
   */
  runTurn(request: MessageInitShape<typeof RunTurnRequestSchema>, signal?: AbortSignal): RunningTurn {
    const ended = either(signal, this.#closing.signal);
    return new RunningTurn(this.turns, repeatable(RunTurnRequestSchema, request), this.#patienceMs, ended);
  }

  /** Closes the connection for good; what is under way, watches and turns too, ends with `Code.Canceled`. */
  close(): void {
    this.#closing.abort(new GreenroomError(new ConnectError("the client is closed", Code.Canceled)));
    this.#connection.abort();
  }
}

/** A turn, and its events as they come. */
export class RunningTurn implements AsyncIterable<Event> {
  /** The turn as it ended; undefined until the iteration is over. */
  turn: Turn | undefined;
  #sequence = 0n;

  constructor(
    private readonly turns: ServiceClient<typeof TurnService>,
    private readonly request: RunTurnRequest,
    private readonly patienceMs: number,
    private readonly signal: AbortSignal,
  ) {}

  [Symbol.asyncIterator](): AsyncGenerator<Event, void, undefined> {
    const progress = {
      open: (signal: AbortSignal) => this.turns.runTurn(this.request, { signal }),
      take: (frame: RunTurnResponse) => this.#take(frame),
      over: () => this.turn !== undefined,
      askedMs: () => 0,
    };
    return follow(progress, this.patienceMs, this.signal);
  }

  /** Reads what is left of the events and returns the turn as it ended. */
  async result(): Promise<Turn> {
    if (this.turn === undefined) {
      for await (const _ of this);
    }
    if (this.turn === undefined) {
      throw new Error("the iteration was broken off before the turn ended");
    }
    return this.turn;
  }

  // A repeated call tells the turn from its beginning: what was seen before is left out.
  #take(frame: RunTurnResponse): readonly Event[] {
    this.turn = frame.turn ?? this.turn;
    const fresh = frame.events.filter((event) => event.sequence === 0n || event.sequence > this.#sequence);
    for (const event of fresh) {
      this.#sequence = event.sequence > this.#sequence ? event.sequence : this.#sequence;
    }
    return fresh;
  }
}
