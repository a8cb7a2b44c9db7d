import { pathOf } from "../contract/target.ts";

/** Names, addresses and ports. What else a Host header may hold makes an address that nobody can read. */
const HOST = /^(?:[\w.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/i;
/** Most that are remembered; a client may invent as many as it likes. */
const MOST_HOSTS = 1_000;

/** Named parts of a path, and empty ones (doubled and trailing slashes): more than any route has with a base URL that was put together wrongly. */
const MOST_PARTS = 9;
const MOST_EMPTY = 3;

/** What the request of a client says that nobody can answer: for the client, in one sentence. */
export type Flaw = string;

const BAD_HOST: Flaw = "The request needs one Host header with a host name or an address, and a port if there is one.";
const RESOLVED: Flaw = "The path must not have '.' or '..' as a part, nor a backslash, encoded or not.";
const TOO_DEEP: Flaw = `The path has more than ${MOST_PARTS} parts, or more than ${MOST_EMPTY} slashes too many.`;

const known = new Set<string>();

export function flawOfHost(headers: Headers): Flaw | undefined {
  const host = headers.get("host") ?? "";
  if (known.has(host)) return undefined;
  if (!HOST.test(host) || !URL.canParse(`http://${host}/`)) return BAD_HOST;
  if (known.size === MOST_HOSTS) known.clear();
  known.add(host);
  return undefined;
}

/** Of an address that nobody has resolved. */
export function flawOfPath(url: string): Flaw | undefined {
  return /\\|%5c|\/(?:\.|%2e){1,2}(?:\/|$)/i.test(pathOf(url)) ? RESOLVED : undefined;
}

/**
 * Patterns for a runtime that shows an address only once it is resolved, but matches its routes against what was sent: each stands for a number of
 * parts, and between them they match every path but those that `TOO_DEEP` tells of.
 */
export function rawPatterns(): string[] {
  const patterns: string[] = [];
  const add = (before: string, named: number, empty: number): void => {
    if (named + empty > 0) patterns.push(before);
    if (named < MOST_PARTS) add(`${before}/:part${named}`, named + 1, empty);
    if (empty < MOST_EMPTY) add(`${before}/`, named, empty + 1);
  };
  add("", 0, 0);
  return patterns;
}

/** @param parts - of the path as it was sent, decoded; undefined where no pattern took it. */
export function flawOfParts(parts: Readonly<Record<string, string>> | undefined): Flaw | undefined {
  if (parts === undefined) return TOO_DEEP;
  for (const name in parts) {
    const part = parts[name] ?? "";
    if (part === "." || part === ".." || part.includes("\\")) return RESOLVED;
  }
  return undefined;
}
