/** Loads that one client can keep up, with a key or without. Each is a known attack, or was one. */
import { gzipSync } from "node:zlib";
import { HUGE, LARGE, MODERATE, message, SMALL } from "./bodies.ts";
import { type Asked, askOn, askWithoutReading, type Counts, type Manner, request, sendSlowly } from "./caller.ts";
import { KEYS } from "./keys.ts";

export interface Target {
  port: number;
  adminPort: number;
  untilMs: number;
  counts: Counts;
}

export interface Flood {
  /** A description in a few words. */
  what: string;
  run(target: Target): Promise<void>;
  /** It is a load of good calls, to which the others are compared. It has no bound. */
  isMeasure?: boolean;
  /** The answers that nearly all calls must have, since a flood that did not happen shows nothing. Undefined where no answer is read. */
  expects?: RegExp;
}

const MIB = 1024 * 1024;

async function many(callers: number, run: (nth: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: callers }, (_, nth) => run(nth)));
}

function asking(what: string, callers: number, make: () => Asked, expects: RegExp, manner: Manner = {}): Flood {
  return {
    what,
    expects,
    run: async ({ port, untilMs, counts }) => {
      const bytes = request(make());
      await many(callers, () => askOn(port, () => bytes, untilMs, counts, manner));
    },
  };
}

function sized(size: string, callers: number, bodies: Record<string, () => string | Uint8Array>, names: string[]): Record<string, Flood> {
  return Object.fromEntries(
    names.map((name) => [
      `${size}-${name}`,
      asking(
        `${size} bodies: ${name}`,
        callers,
        () => ({ key: KEYS.limited, body: bodies[name]?.() ?? "" }),
        /^(?:4(?:00|13|29)|5(?:03|29))$/,
      ),
    ]),
  );
}

/** A long stream of small pieces without pauses, for clients that read slowly. */
const FAST = message("hi [sandbox: huge tokens=1000000 pace=0]", { stream: true });

export const FLOODS: Readonly<Record<string, Flood>> = {
  good: { ...asking("good calls by 32 callers", 32, () => ({ key: KEYS.attacker, body: message("hi") }), /^200$/), isMeasure: true },
  "good-streams": {
    ...asking(
      "good streams by 32 callers",
      32,
      () => ({ key: KEYS.attacker, body: message("hi [sandbox: tokens=200]", { stream: true, max_tokens: 300 }) }),
      /^200$/,
    ),
    isMeasure: true,
  },
  // Without a key.
  "no-key": asking("calls with an unknown key", 64, () => ({ key: "weir_nothing_at_all", body: message("hi") }), /^4(?:01|29)$/),
  healthz: asking("/healthz", 64, () => ({ method: "GET", path: "/healthz" }), /^(?:200|429)$/),
  openapi: asking("/openapi.json", 32, () => ({ method: "GET", path: "/openapi.json" }), /^(?:200|429|503)$/),
  docs: {
    what: "/docs, each time for another host",
    expects: /^(?:200|429|503)$/,
    run: ({ port, untilMs, counts }) =>
      many(32, (caller) =>
        askOn(port, (nth) => Buffer.from(`GET /docs HTTP/1.1\r\nHost: h${caller}-${nth}.example.com\r\n\r\n`), untilMs, counts),
      ),
  },
  // With a key.
  refused: asking("calls beyond the limit", 32, () => ({ key: KEYS.limited, body: message("hi") }), /^(?:200|429)$/),
  "refused-60k": asking(
    "60 kB beyond the limit",
    16,
    () => ({ key: KEYS.limited, body: message("word ".repeat(12_000)) }),
    /^(?:413|429|529)$/,
  ),
  mistakes: asking("calls that are mistakes", 200, () => ({ key: KEYS.attacker, body: "{}" }), /^400$/),
  "no-json": asking("60 kB that is no JSON", 16, () => ({ key: KEYS.attacker, body: `{"messages":[${"{},".repeat(20_000)}` }), /^400$/),
  "late-mistake": asking(
    "60 kB with a mistake at the end",
    16,
    () => ({
      key: KEYS.attacker,
      body: message("", {
        messages: [...Array.from({ length: 1_300 }, () => ({ role: "user", content: "aaa" })), { role: "x", content: "" }],
      }),
    }),
    /^400$/,
  ),
  ...sized("small", 16, SMALL, ["deep", "names"]),
  ...sized("moderate", 16, MODERATE, ["text", "numbers", "deep", "names"]),
  ...sized("large", 16, LARGE, ["text", "escapes", "quotes", "numbers", "deep", "deep-objects", "names", "messages", "unclosed"]),
  ...sized("huge", 4, HUGE, ["text", "quotes", "escapes", "numbers", "names", "deep", "messages", "unclosed"]),
  packed: asking(
    "31 KB that are 31 MiB",
    8,
    () => ({ key: KEYS.limited, body: gzipSync(Buffer.alloc(31 * MIB, 0x20)), lines: "content-encoding: gzip\r\n" }),
    /^(?:400|429|503|529)$/,
  ),
  counts: asking(
    "counts",
    32,
    () => ({ key: KEYS.limited, path: "/anthropic/eu/v1/messages/count_tokens", body: message("hi") }),
    /^(?:200|429)$/,
  ),
  "large-counts": asking(
    "counts of 900 kB",
    16,
    () => ({ key: KEYS.limited, path: "/anthropic/eu/v1/messages/count_tokens", body: message("word ".repeat(180_000)) }),
    /^(?:200|429|503|529)$/,
  ),
  aborts: asking(
    "streams that the client leaves at their first byte",
    32,
    () => ({ key: KEYS.attacker, body: message("hi [sandbox: tokens=500]", { stream: true, max_tokens: 600 }) }),
    / left$/,
    { leaves: true },
  ),
  connections: asking("a connection for each call", 64, () => ({ key: KEYS.attacker, body: message("hi") }), /^200$/, { isFresh: true }),
  "slow-bodies": {
    what: "300 bodies that are sent slowly",
    run: ({ port, untilMs }) => {
      const head = request({ key: KEYS.attacker, body: "x".repeat(400_000) }).subarray(0, 300);
      return many(300, () => sendSlowly(port, head, untilMs));
    },
  },
  "slow-readers": {
    what: "64 fast streams that are read slowly",
    run: ({ port, untilMs }) => many(64, () => askWithoutReading(port, request({ key: KEYS.attacker, body: FAST }), untilMs, 4_096)),
  },
};

/** Loads that fill memory, some with all three keys at once. The neighbour is not measured beside them. */
export const FILLS: Readonly<Record<string, (target: Target) => Promise<void>>> = {
  ...Object.fromEntries(
    Object.keys(HUGE).map((name) => [
      `18 callers of three workspaces, 31 MiB each: ${name}`,
      async ({ port, untilMs, counts }: Target) => {
        const body = HUGE[name]?.() ?? "";
        const paths = ["/anthropic/eu/v1/messages", "/anthropic/eu/v1/messages/count_tokens", "/api/v1/messages"];
        await many(18, (nth) => {
          const key = [KEYS.attacker, KEYS.second, KEYS.limited][Math.floor(nth / 6)];
          const bytes = request({ key, path: paths[nth % 3] as string, body });
          return askOn(port, () => bytes, untilMs, counts);
        });
      },
    ]),
  ),
  ...Object.fromEntries(
    Object.entries({ unfinished: "40 answers of 60 MiB that never end", unread: "40 answers of 30 MiB that nobody reads" }).map(
      ([model, what]) => [
        what,
        ({ port, untilMs }: Target) => {
          const body = JSON.stringify({ model, input: "a" });
          return many(40, () =>
            askWithoutReading(port, request({ key: KEYS.attacker, path: "/openai/eu/v1/embeddings", body }), untilMs, 0),
          );
        },
      ],
    ),
  ),
  "600 streams without end that nobody reads": ({ port, untilMs }) => {
    const body = JSON.stringify({ model: "endless", stream: true, messages: [{ role: "user", content: "a" }] });
    return many(600, () =>
      askWithoutReading(port, request({ key: KEYS.attacker, path: "/openai/eu/v1/chat/completions", body }), untilMs, 0),
    );
  },
};
