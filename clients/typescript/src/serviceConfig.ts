import { readFileSync } from "node:fs";
import type { DescMethod } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";

interface MethodConfig {
  readonly name: readonly { readonly service: string; readonly method?: string }[];
  readonly timeout?: string;
  readonly retryPolicy?: {
    readonly maxAttempts: number;
    readonly initialBackoff: string;
    readonly maxBackoff: string;
    readonly backoffMultiplier: number;
    readonly retryableStatusCodes: readonly string[];
  };
}

/** How one method is to be called; times are in milliseconds. */
export interface Policy {
  readonly timeoutMs: number | undefined;
  readonly maxAttempts: number;
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly backoffMultiplier: number;
  readonly retryable: ReadonlySet<Code>;
}

// The published one, as the languages with a gRPC core read it; Connect has no reader of its own.
const published = JSON.parse(readFileSync(new URL("./service_config.json", import.meta.url), "utf8")) as {
  readonly methodConfig: readonly MethodConfig[];
};

/** Returns what the service config says of a method: the entry that names it, else the one of its service. */
export function policyOf(method: DescMethod): Policy {
  const named = (wanted: string | undefined) =>
    published.methodConfig.find((config) =>
      config.name.some((name) => name.service === method.parent.typeName && name.method === wanted),
    );
  const config = named(method.name) ?? named(undefined);
  const retry = config?.retryPolicy;
  return {
    timeoutMs: config?.timeout === undefined ? undefined : milliseconds(config.timeout),
    maxAttempts: retry?.maxAttempts ?? 1,
    initialBackoffMs: milliseconds(retry?.initialBackoff ?? "0s"),
    maxBackoffMs: milliseconds(retry?.maxBackoff ?? "0s"),
    backoffMultiplier: retry?.backoffMultiplier ?? 1,
    retryable: new Set(retry?.retryableStatusCodes.map(codeOf)),
  };
}

function milliseconds(duration: string): number {
  return Number.parseFloat(duration) * 1000;
}

function codeOf(name: string): Code {
  const code = Object.entries(Code).find(([key]) => key.toUpperCase() === name.replaceAll("_", ""));
  if (code === undefined) {
    throw new Error(`no such status code: ${name}`);
  }
  return code[1] as Code;
}
