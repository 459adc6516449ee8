import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Status } from "./gen/google/rpc/status_pb.js";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";

const DOMAIN = "greenroom.v1";
const CODES = new Map<number, Code>(
  Object.values(Code)
    .filter((code) => typeof code === "number")
    .map((code) => [code, code]),
);

/** One field of a request that breaks its rules; `field` is its path as in the proto, such as `config.temperature`. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** A failed call: its status, and the `google.rpc` details of it. */
export class GreenroomError extends Error {
  override readonly name: string = "GreenroomError";
  readonly code: Code;
  /**
   * A name of `error_reason.proto` without its prefix, such as `ETAG_MISMATCH`. It is empty when the failure did not come
   * from a Greenroom server, as that of a connection.
   */
  readonly reason: string;
  /** What the reason tells. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Every field at fault. */
  readonly violations: readonly FieldViolation[];
  /** How long the server asks to wait, in milliseconds; undefined if it does not. */
  readonly retryDelayMs: number | undefined;

  constructor(failure: ConnectError, code: Code = failure.code) {
    const [info] = failure.findDetails(ErrorInfoSchema).filter((detail) => detail.domain === DOMAIN);
    const [retry] = failure.findDetails(RetryInfoSchema);
    super(`${info?.reason ?? Code[code]}: ${failure.rawMessage}`, { cause: failure });
    this.code = code;
    this.reason = info?.reason ?? "";
    this.metadata = info?.metadata ?? {};
    this.violations = failure
      .findDetails(BadRequestSchema)
      .flatMap((detail) => detail.fieldViolations.map(({ field, description }) => ({ field, description })));
    const delay = retry?.retryDelay;
    this.retryDelayMs = delay && durationMs(delay);
  }
}

/** ETAG_MISMATCH: the resource has changed since its etag was read. */
export class EtagMismatch extends GreenroomError {
  override readonly name = "EtagMismatch";
  /** The etag that the resource has now. */
  get etag(): string {
    return this.metadata["etag"] ?? "";
  }
}

/** CURSOR_BELOW_FLOOR: events behind the cursor are no longer kept. Read the state, then watch anew. */
export class CursorBelowFloor extends GreenroomError {
  override readonly name = "CursorBelowFloor";
  /** Revision of the oldest event that is kept. */
  get oldestRevision(): bigint {
    return BigInt(this.metadata["oldest_revision"] ?? "0");
  }
  /** Revision of the newest event. */
  get headRevision(): bigint {
    return BigInt(this.metadata["head_revision"] ?? "0");
  }
}

/**
 * Returns the typed form of whatever a call threw; `cancelled` says that the caller itself has ended the call.
 *
 * A connection that was lost is Unavailable, as in every other language. Connect calls it Aborted or Canceled, depending
 * on where the loss is seen first.
 */
export function errorOf(thrown: unknown, cancelled = false): GreenroomError {
  if (thrown instanceof GreenroomError) {
    return thrown;
  }
  const failure = ConnectError.from(thrown, cancelled ? Code.Canceled : Code.Unknown);
  const reason = failure.findDetails(ErrorInfoSchema).find((detail) => detail.domain === DOMAIN)?.reason;
  if (reason === "ETAG_MISMATCH") {
    return new EtagMismatch(failure);
  }
  if (reason === "CURSOR_BELOW_FLOOR") {
    return new CursorBelowFloor(failure);
  }
  const lost = reason === undefined && !cancelled && (failure.code === Code.Aborted || failure.code === Code.Canceled);
  return new GreenroomError(failure, lost ? Code.Unavailable : failure.code);
}

/** Returns the typed form of the `error` of a turn or a session; its `retryDelayMs` counts from the end of the turn. */
export function errorIn(status: Status): GreenroomError {
  const failure = new ConnectError(status.message, CODES.get(status.code) ?? Code.Unknown);
  failure.details = status.details.map(({ typeUrl, value }) => ({ type: typeUrl.replace(/^.*\//, ""), value }));
  return new GreenroomError(failure);
}
