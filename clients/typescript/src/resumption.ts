import { setTimeout as sleep } from "node:timers/promises";
import { Code } from "@connectrpc/connect";
import { errorOf, type GreenroomError } from "./errors.js";
import type { Event } from "./gen/greenroom/v1/event_pb.js";

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

/** Where a stream stands that outlives its connection. */
export interface Progress<Frame> {
  /** Calls the server, to go on from here. */
  open(signal: AbortSignal): AsyncIterable<Frame>;
  /** Takes note of a frame and returns its events. */
  take(frame: Frame): readonly Event[];
  /** Whether the end of the stream, once it came, was the end of everything. */
  over(): boolean;
  /** How long the server asks to wait before the next call. */
  askedMs(): number;
}

/**
 * Yields the events of a stream and calls again where it breaks, until nothing has succeeded for `patienceMs`. The call
 * that is under way ends with the iteration. When `signal` is aborted, its reason is thrown.
 */
export async function* follow<Frame>(
  progress: Progress<Frame>,
  patienceMs: number,
  signal: AbortSignal,
): AsyncGenerator<Event, void, undefined> {
  let ceiling = FIRST_WAIT_MS;
  let failingSince: number | undefined;
  let begun = false;
  for (;;) {
    const call = new AbortController();
    const both = AbortSignal.any([signal, call.signal]);
    let failure: GreenroomError | undefined;
    const failed = (thrown: unknown) => {
      failure = errorOf(thrown);
    };
    try {
      for await (const frame of caught(progress.open(both), failed)) {
        ceiling = FIRST_WAIT_MS;
        failingSince = undefined;
        begun = true;
        yield* progress.take(frame);
      }
    } finally {
      call.abort();
    }
    signal.throwIfAborted();
    if (failure === undefined && progress.over()) {
      return;
    }
    failingSince ??= performance.now();
    if (failure && (!mends(failure, begun) || performance.now() - failingSince >= patienceMs)) {
      throw failure;
    }
    // They double, and jitter keeps clients that were cut off together from returning so.
    const own = ceiling * (0.5 + 0.5 * Math.random());
    ceiling = Math.min(2 * ceiling, LONGEST_WAIT_MS);
    const wait = own + Math.max(progress.askedMs(), failure?.retryDelayMs ?? 0);
    await sleep(wait, undefined, { signal }).catch(() => {
      signal.throwIfAborted();
    });
  }
}

/** What a lost connection is called, depending on the proxy that lost it. A refusal of the server has a reason besides. */
const LOSSES: readonly Code[] = [Code.Unavailable, Code.Internal, Code.Unknown, Code.Canceled];

/** Whether the next attempt may succeed after a failure. */
function mends(failure: GreenroomError, begun: boolean): boolean {
  if (failure.reason === "") {
    return LOSSES.includes(failure.code);
  }
  // A stream that was on is refused as one too many while the server still counts its lost connection.
  const countedTwice = begun && failure.reason === "WATCHER_CAP" && failure.retryDelayMs !== undefined;
  return failure.code === Code.Unavailable || countedTwice;
}

// Apart from the loop: what the reader of the events throws is no failure of the stream.
async function* caught<T>(items: AsyncIterable<T>, failed: (thrown: unknown) => void): AsyncIterable<T> {
  const iterator = items[Symbol.asyncIterator]();
  try {
    for (;;) {
      let next: IteratorResult<T>;
      try {
        next = await iterator.next();
      } catch (thrown) {
        failed(thrown);
        return;
      }
      if (next.done) {
        return;
      }
      yield next.value;
    }
  } finally {
    await iterator.return?.().catch(() => undefined);
  }
}
