// The client against a server of this process that does as a test says.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../src/gen/google/rpc/error_details_pb.js";
import {
  Client,
  type ClientOptions,
  CursorBelowFloor,
  EtagMismatch,
  type EventSchema,
  EventService,
  GreenroomError,
  SessionService,
  tokenFile,
  TurnService,
} from "../src/index.js";

const closers: (() => void)[] = [];
let cut: () => void;

afterEach(() => {
  for (const close of closers.splice(0)) {
    close();
  }
});

async function connected(routes: (router: ConnectRouter) => void, options?: ClientOptions): Promise<Client> {
  const server: Http2Server = createServer(connectNodeAdapter({ routes }));
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => void sessions.add(session));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  cut = () => {
    for (const session of sessions) {
      session.destroy();
    }
    sessions.clear();
  };
  const client = new Client(`127.0.0.1:${(server.address() as AddressInfo).port}`, options);
  closers.push(() => {
    client.close();
    for (const session of sessions) {
      session.destroy();
    }
    server.close();
  });
  return client;
}

function numbered(...sequences: number[]): MessageInitShape<typeof EventSchema>[] {
  return sequences.map((sequence) => ({ sequence: BigInt(sequence) }));
}

const gone = () => new ConnectError("gone", Code.Unavailable);

function refusal(code: Code, reason: string, metadata: Record<string, string> = {}): ConnectError {
  const value = { domain: "greenroom.v1", reason, metadata };
  return new ConnectError("no", code, undefined, [{ desc: ErrorInfoSchema, value }]);
}

async function thrownBy(work: Promise<unknown>): Promise<GreenroomError> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof GreenroomError, String(thrown));
  return thrown;
}

void test("a watch goes on behind the last frame", async () => {
  const asked: unknown[] = [];
  const client = await connected((router) =>
    router.service(EventService, {
      async *watchEvents(request) {
        asked.push(request.position.case === "after" ? request.position.value : "");
        if (asked.length === 1) {
          yield { events: numbered(1, 2), cursor: "two" };
          throw gone();
        }
        yield asked.length === 2
          ? { cursor: "bookmark", control: { case: "draining" as const, value: {} } }
          : { events: numbered(3), cursor: "three" };
      },
    }),
  );
  const request = { sessionIds: ["a"], untilClosed: true };
  const seen = [];
  for await (const event of client.watch(request)) {
    seen.push(event.sequence);
  }
  assert.deepEqual(seen, [1n, 2n, 3n]);
  assert.deepEqual(asked, ["", "two", "bookmark"]);
  assert.deepEqual(request, { sessionIds: ["a"], untilClosed: true });
});

void test("a watch ends with what waiting does not mend", async () => {
  const client = await connected((router) =>
    router.service(EventService, {
      async *watchEvents() {
        throw refusal(Code.OutOfRange, "CURSOR_BELOW_FLOOR", { oldest_revision: "7" });
      },
    }),
  );
  const error = await thrownBy(client.watch({}).next());
  assert.ok(error instanceof CursorBelowFloor);
  assert.equal(error.oldestRevision, 7n);
});

void test("a watch goes on whatever a loss is called", async () => {
  const names = [Code.Internal, Code.Unknown, Code.Canceled];
  let calls = 0;
  const client = await connected((router) =>
    router.service(EventService, {
      async *watchEvents() {
        const name = names[calls++];
        if (name !== undefined) {
          yield { events: numbered(calls), cursor: "behind" };
          throw new ConnectError("lost by a proxy", name);
        }
      },
    }),
  );
  const seen = [];
  for await (const event of client.watch({ untilClosed: true })) {
    seen.push(event.sequence);
  }
  assert.deepEqual(seen, [1n, 2n, 3n]);
});

void test("a bug of the server ends a watch", async () => {
  let calls = 0;
  const client = await connected((router) =>
    router.service(EventService, {
      async *watchEvents() {
        calls++;
        throw new ConnectError("a bug", Code.Internal, undefined, [
          { desc: ErrorInfoSchema, value: { domain: "greenroom.v1", reason: "INTERNAL" } },
        ]);
      },
    }),
  );
  await assert.rejects(client.watch({}).next(), { code: Code.Internal });
  assert.equal(calls, 1);
});

void test("a watch that was on waits for its place, and a new one does not", async () => {
  let calls = 0;
  const client = await connected((router) =>
    router.service(EventService, {
      async *watchEvents() {
        calls++;
        if (calls === 1) {
          yield { events: numbered(1), cursor: "one" };
          throw gone();
        }
        if (calls !== 3) {
          throw new ConnectError("full", Code.ResourceExhausted, undefined, [
            { desc: ErrorInfoSchema, value: { domain: "greenroom.v1", reason: "WATCHER_CAP" } },
            { desc: RetryInfoSchema, value: { retryDelay: { nanos: 1_000_000 } } },
          ]);
        }
        yield { events: numbered(2), cursor: "two" };
      },
    }),
  );
  const seen = [];
  for await (const event of client.watch({ sessionIds: ["a"], untilClosed: true })) {
    seen.push(event.sequence);
  }
  assert.deepEqual(seen, [1n, 2n]);
  assert.equal((await thrownBy(client.watch({}).next())).code, Code.ResourceExhausted);
  assert.equal(calls, 4);
});

void test("a watch gives up when patience is over", async () => {
  let attempts = 0;
  const routes = (router: ConnectRouter) =>
    router.service(EventService, {
      async *watchEvents() {
        attempts++;
        throw gone();
      },
    });
  const client = await connected(routes, { patienceMs: 150 });
  assert.equal((await thrownBy(client.watch({}).next())).code, Code.Unavailable);
  assert.ok(attempts > 1);
});

void test("a watch ends with its signal, also while it waits", async () => {
  const stop = new AbortController();
  const client = await connected((router) =>
    router.service(EventService, {
      async *watchEvents() {
        stop.abort(new Error("enough"));
        throw gone();
      },
    }),
  );
  await assert.rejects(client.watch({}, stop.signal).next(), /enough/);
});

void test("closing the client ends a watch, a turn, and a call, and whatever comes later", async () => {
  let calls = 0;
  let reached: () => void;
  const allReached = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const held = (context: HandlerContext) => {
    if (++calls === 3) {
      reached();
    }
    return new Promise<never>((_, reject) => {
      context.signal.addEventListener("abort", () => {
        reject(gone());
      });
    });
  };
  const client = await connected((router) => {
    router.service(EventService, {
      async *watchEvents(_, context) {
        yield await held(context);
      },
    });
    router.service(TurnService, {
      async *runTurn(_, context) {
        yield await held(context);
      },
    });
    router.service(SessionService, { createSession: (_, context) => held(context) });
  });
  const work = [
    () => client.watch({}).next(),
    () => client.runTurn({ sessionId: "a", prompt: "b" }).result(),
    () => client.sessions.createSession({}),
  ];
  const underWay = work.map((each) => thrownBy(each()));
  await allReached;
  client.close();
  const later = work.map((each) => thrownBy(each()));
  const errors = await Promise.all([...underWay, ...later]);
  assert.deepEqual(
    errors.map((error) => error.code),
    Array(6).fill(Code.Canceled),
  );
  assert.equal(calls, 3);
});

void test("closing the client ends a wait for the next attempt", async () => {
  const client = await connected((router) =>
    router.service(EventService, {
      async *watchEvents() {
        setImmediate(() => {
          client.close();
        });
        throw new ConnectError("gone", Code.Unavailable, undefined, [
          { desc: RetryInfoSchema, value: { retryDelay: { seconds: 3600n } } },
        ]);
      },
    }),
  );
  assert.equal((await thrownBy(client.watch({}).next())).code, Code.Canceled);
});

void test("a server that goes away is called again no sooner than it asks", async () => {
  const asked: number[] = [];
  const client = await connected((router) =>
    router.service(EventService, {
      async *watchEvents() {
        asked.push(performance.now());
        if (asked.length === 1) {
          const value = { retryDelay: { nanos: 400_000_000 } };
          yield { control: { case: "draining" as const, value } };
        }
      },
    }),
  );
  for await (const _ of client.watch({ sessionIds: ["a"], untilClosed: true }));
  const [first = 0, second = 0] = asked;
  assert.ok(second - first >= 390, String(second - first));
});

void test("a call ends with its signal, also while it waits", async () => {
  const stop = new AbortController();
  let calls = 0;
  const client = await connected((router) =>
    router.service(SessionService, {
      createSession(_, context) {
        calls++;
        stop.abort();
        return new Promise<never>((_, reject) => {
          context.signal.addEventListener("abort", () => {
            reject(gone());
          });
        });
      },
      updateSession() {
        calls++;
        setImmediate(() => {
          waiting.abort();
        });
        throw new ConnectError("gone", Code.Unavailable, undefined, [
          { desc: RetryInfoSchema, value: { retryDelay: { seconds: 5n } } },
        ]);
      },
    }),
  );
  const waiting = new AbortController();
  const errors = [
    await thrownBy(client.sessions.createSession({}, { signal: stop.signal })),
    await thrownBy(client.sessions.updateSession({}, { signal: waiting.signal })),
  ];
  assert.deepEqual(
    errors.map((error) => error.code),
    [Code.Canceled, Code.Canceled],
  );
  assert.equal(calls, 2);
});

void test("a connection that is lost is made again", async () => {
  const asked: string[] = [];
  const client = await connected((router) =>
    router.service(EventService, {
      async *watchEvents(request, context) {
        asked.push(request.position.value?.toString() ?? "");
        yield { events: numbered(asked.length), cursor: String(asked.length) };
        if (asked.length < 3) {
          cut();
          await new Promise((gone) => {
            context.signal.addEventListener("abort", gone);
          });
        }
      },
    }),
  );
  const seen = [];
  for await (const event of client.watch({ sessionIds: ["a"], untilClosed: true })) {
    seen.push(event.sequence);
  }
  assert.deepEqual(seen, [1n, 2n, 3n]);
  assert.deepEqual(asked, ["", "1", "2"]);
});

void test("a lost turn is asked for again and not started again", async () => {
  const ids: string[] = [];
  const client = await connected((router) =>
    router.service(TurnService, {
      async *runTurn(request) {
        ids.push(request.requestId);
        if (ids.length === 1) {
          yield { events: numbered(4, 9) };
          throw gone();
        }
        yield { events: numbered(4, 9, 10), turn: { resultText: "done" } };
      },
    }),
  );
  const running = client.runTurn({ sessionId: "a", prompt: "b" });
  const seen = [];
  for await (const event of running) {
    seen.push(event.sequence);
  }
  assert.deepEqual(seen, [4n, 9n, 10n]);
  assert.equal(running.turn?.resultText, "done");
  assert.equal((await running.result()).resultText, "done");
  assert.equal(ids.length, 2);
  assert.match(ids[0] ?? "", /^[0-9a-f-]{36}$/);
  assert.equal(ids[0], ids[1]);
});

void test("a change is repeated under one request id, with the token", async () => {
  const ids: string[] = [];
  const tokens: (string | null)[] = [];
  const routes = (router: ConnectRouter) =>
    router.service(SessionService, {
      createSession(request, context) {
        ids.push(request.requestId);
        tokens.push(context.requestHeader.get("authorization"));
        if (ids.length === 1) {
          throw gone();
        }
        return {};
      },
    });
  const client = await connected(routes, { token: () => `secret${ids.length}` });
  await client.sessions.createSession({});
  assert.match(ids[0] ?? "", /^[0-9a-f-]{36}$/);
  assert.equal(ids[0], ids[1]);
  assert.deepEqual(tokens, ["Bearer secret0", "Bearer secret1"]);
});

void test("refusals tell everything", async () => {
  const client = await connected((router) =>
    router.service(SessionService, {
      createSession() {
        throw new ConnectError("no", Code.InvalidArgument, undefined, [
          { desc: ErrorInfoSchema, value: { domain: "greenroom.v1", reason: "INVALID_FIELD" } },
          { desc: BadRequestSchema, value: { fieldViolations: [{ field: "a.b", description: "c" }] } },
          { desc: RetryInfoSchema, value: { retryDelay: { seconds: 2n, nanos: 500_000_000 } } },
        ]);
      },
      updateSession() {
        throw refusal(Code.Aborted, "ETAG_MISMATCH", { etag: "17" });
      },
    }),
  );
  const invalid = await thrownBy(client.sessions.createSession({}));
  assert.equal(invalid.reason, "INVALID_FIELD");
  assert.deepEqual(invalid.violations, [{ field: "a.b", description: "c" }]);
  assert.equal(invalid.retryDelayMs, 2500);
  const stale = await thrownBy(client.sessions.updateSession({}));
  assert.ok(stale instanceof EtagMismatch);
  assert.equal(stale.etag, "17");
});

void test("a deadline of the service config ends a call", async () => {
  const client = await connected((router) =>
    router.service(SessionService, {
      getSession(_, context) {
        assert.ok((context.timeoutMs() ?? 0) > 25_000);
        return {};
      },
    }),
  );
  await client.sessions.getSession({ sessionId: "a" });
});

void test("a token in a file is read with each call", async () => {
  const directory = await mkdtemp(join(tmpdir(), "greenroom-"));
  const path = join(directory, "token");
  const token = tokenFile(path);
  await assert.rejects(token(), /ENOENT/);
  const read: string[] = [];
  for (const content of ["one\n", "two", ""]) {
    await writeFile(path, content);
    read.push(await token());
  }
  await rm(directory, { recursive: true });
  read.push(await token());
  assert.deepEqual(read, ["one", "two", "two", "two"]);
});

void test("a token does not leave this machine in the clear", () => {
  for (const target of [
    "greenroom.example:443",
    "10.0.0.1:1",
    "localhost.example:1",
    "127.0.0.1@example:1",
    "[2001:db8::1]:1",
  ]) {
    assert.throws(() => new Client(target, { token: "secret" }), /could be read on its way/, target);
    new Client(target, { token: "secret", tls: true }).close();
  }
  for (const target of ["127.0.0.1:1", "[::1]:1", "localhost:1"]) {
    new Client(target, { token: "secret" }).close();
  }
});
