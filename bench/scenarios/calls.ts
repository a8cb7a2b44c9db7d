/** Callers that wait for their answer and call again: non-streaming calls of two sizes, streams in a burst and paced, the limiter in three places. */
import type { CallDialect } from "../variant.ts";
import { DEFAULTS, type Scenario } from "./scenario.ts";

interface Dialect {
  dialect: CallDialect;
  name: string;
  title: string;
  model: string;
  paced: string;
  slow: string;
}

export const DIALECTS: readonly Dialect[] = [
  { dialect: "openai", name: "openai", title: "OpenAI", model: "gpt-4o", paced: "gpt-4o-paced", slow: "gpt-4o-slow" },
  {
    dialect: "anthropic",
    name: "bedrock",
    title: "Bedrock",
    model: "claude-3-haiku-20240307",
    paced: "claude-3-haiku-paced",
    slow: "claude-3-haiku-slow",
  },
];

const requests = DIALECTS.flatMap(({ dialect, name, title, model }): Scenario[] => {
  const question = { dialect, model, stream: false };
  const of = (suffix: string, words: string, change: Partial<Scenario> = {}): Scenario => ({
    ...DEFAULTS,
    name: `${name}-${suffix}`,
    title: `${title}, ${words}`,
    kind: "closed",
    question,
    ...change,
  });
  return [
    of("2kb", "2 kB"),
    of("200kb", "200 kB", { bodyBytes: 200_000, callers: 16 }),
    of("2kb-tls", "2 kB, TLS to the upstream", { tls: true }),
    of("2kb-memory", "2 kB, limiter in memory", { limiter: "memory", beside: ["bare", "weir"] }),
    of("2kb-off", "2 kB, limiter off", { limiter: "off", beside: ["bare", "weir"] }),
  ];
});

const streams = DIALECTS.flatMap(({ dialect, name, title, model, paced }): Scenario[] => {
  const of = (suffix: string, words: string, asked: string, change: Partial<Scenario> = {}): Scenario => ({
    ...DEFAULTS,
    name: `${name}-${suffix}`,
    title: `${title}, ${words}`,
    kind: "closed",
    question: { dialect, model: asked, stream: true },
    ...change,
  });
  return [
    of("burst", "100 chunks as fast as possible", model),
    of("paced", "200 streams, 50 chunks/s each", paced, { callers: 200 }),
    of("paced-tls", "200 streams, 50 chunks/s each, TLS to the upstream", paced, { callers: 200, tls: true }),
  ];
});

export const CALLS = [...requests, ...streams];
