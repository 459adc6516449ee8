import { readFile } from "node:fs/promises";
import { isIP } from "node:net";

/** A bearer token, or where to get it for each call. */
export type Token = string | (() => string | Promise<string>);

/**
 * Returns the token that is in a file now, for {@link ClientOptions.token}. The file is read with every call, so a new token
 * is used from the next one on. Where it cannot be read or is empty for a moment, the token before is used.
 */
export function tokenFile(path: string): () => Promise<string> {
  let last = "";
  return async () => {
    try {
      last = (await readFile(path, "ascii")).trim() || last;
    } catch (error) {
      if (!last) {
        throw error;
      }
    }
    if (!last) {
      throw new Error(`${path} holds no token`);
    }
    return last;
  };
}

/** Whether a connection to `host:port` does not leave this machine. */
export function staysHere(target: string): boolean {
  const host = target.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
