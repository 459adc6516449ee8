import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  clone,
  create,
  type DescMessage,
  type DescMethodStreaming,
  type DescMethodUnary,
  isMessage,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import type { ContextValues, StreamResponse, Transport, UnaryResponse } from "@connectrpc/connect";
import { errorOf, type GreenroomError } from "./errors.js";
import { type Policy, policyOf } from "./serviceConfig.js";
import type { Token } from "./token.js";

type HeadersInit = ConstructorParameters<typeof Headers>[0];

/**
 * A transport on top of another one: it carries the token, gives every change a request id, keeps to the published service
 * config, and throws only {@link GreenroomError}. Every call ends with `closing`, which is aborted with such an error.
 */
export class SafeTransport implements Transport {
  constructor(
    private readonly inner: Transport,
    private readonly token: Token | undefined,
    private readonly closing: AbortSignal,
  ) {}

  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersInit | undefined,
    input: MessageInitShape<I>,
    contextValues?: ContextValues,
  ): Promise<UnaryResponse<I, O>> {
    const ended = either(signal, this.closing);
    const policy = policyOf(method);
    const request = repeatable(method.input, input);
    const whole = timeoutMs ?? policy.timeoutMs;
    const deadline = whole === undefined ? undefined : performance.now() + whole;
    for (let attempt = 1; ; attempt++) {
      const left = deadline === undefined ? undefined : Math.max(1, Math.ceil(deadline - performance.now()));
      const headers = await this.withToken(header);
      try {
        ended.throwIfAborted();
        return await this.inner.unary(method, ended, left, headers, request, contextValues);
      } catch (thrown) {
        const error = failureOf(thrown, ended);
        const wait = waitBefore(attempt, error, policy);
        if (wait === undefined || (deadline !== undefined && performance.now() + wait >= deadline)) {
          throw error;
        }
        await sleep(wait, undefined, { signal: ended }).catch((thrown: unknown) => {
          throw failureOf(thrown, ended);
        });
      }
    }
  }

  async stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersInit | undefined,
    input: AsyncIterable<MessageInitShape<I>>,
    contextValues?: ContextValues,
  ): Promise<StreamResponse<I, O>> {
    const ended = either(signal, this.closing);
    const timeout = timeoutMs ?? policyOf(method).timeoutMs;
    const requests = mapped(input, (each) => repeatable(method.input, each));
    const headers = await this.withToken(header);
    try {
      ended.throwIfAborted();
      const answer = await this.inner.stream(method, ended, timeout, headers, requests, contextValues);
      return { ...answer, message: typed(answer.message, ended) };
    } catch (thrown) {
      throw failureOf(thrown, ended);
    }
  }

  private async withToken(header: HeadersInit | undefined): Promise<Headers> {
    const headers = new Headers(header);
    const token = typeof this.token === "function" ? await this.token() : this.token;
    if (token) {
      headers.set("authorization", `Bearer ${token}`);
    }
    return headers;
  }
}

/** Returns the request as a message of its own, with a request id if it has that field and nothing in it. */
export function repeatable<I extends DescMessage>(schema: I, input: MessageInitShape<I>): MessageShape<I> {
  const request = isMessage(input, schema) ? clone(schema, input) : create(schema, input);
  const field = schema.field["requestId"];
  if (field !== undefined && field.fieldKind === "scalar") {
    const fields = reflect(schema, request);
    if (!fields.isSet(field)) {
      fields.set(field, randomUUID());
    }
  }
  return request;
}

/** Milliseconds until a failed attempt may be repeated; undefined if it may not. */
function waitBefore(attempt: number, error: GreenroomError, policy: Policy): number | undefined {
  if (attempt >= policy.maxAttempts || !policy.retryable.has(error.code)) {
    return undefined;
  }
  const ceiling = Math.min(policy.initialBackoffMs * policy.backoffMultiplier ** (attempt - 1), policy.maxBackoffMs);
  return Math.max(error.retryDelayMs ?? 0, ceiling * (0.8 + 0.4 * Math.random()));
}

async function* mapped<T, U>(items: AsyncIterable<T>, change: (item: T) => U): AsyncIterable<U> {
  for await (const item of items) {
    yield change(item);
  }
}

async function* typed<T>(items: AsyncIterable<T>, ended: AbortSignal): AsyncIterable<T> {
  try {
    yield* items;
  } catch (thrown) {
    throw failureOf(thrown, ended);
  }
}

/** Returns the typed form of what a call threw: once its signal is aborted, that of the signal's reason. */
function failureOf(thrown: unknown, ended: AbortSignal): GreenroomError {
  return ended.aborted ? errorOf(ended.reason, true) : errorOf(thrown);
}

/** Returns a signal that is aborted as soon as one of the two is. */
export function either(signal: AbortSignal | undefined, closing: AbortSignal): AbortSignal {
  return signal ? AbortSignal.any([signal, closing]) : closing;
}
