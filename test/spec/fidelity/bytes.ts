/**
 * Random good bodies of every route through a gateway, and what an upstream is sent: each member byte for byte and in its place, but for the edits of
 * `docs/fidelity.md`. What is sent and what must arrive are written side by side here, and not taken from the gateway's own code.
 */
import { expect } from "bun:test";
import { Buffer } from "node:buffer";
import { members } from "../../../src/contract/json.ts";
import { Dice } from "../../fuzz/dice.ts";
import type { FidelityWorld } from "./world.ts";

const SEED = 20_261_129;
const BODIES = 30;

interface Member {
  key: string;
  value: string;
  /** The form in which it must arrive. `null`: it must not arrive; left out: as it was sent. */
  arrives?: { key: string; value: string } | null;
}

/** A body, and what has to follow its members where they arrive. */
interface Case {
  sent: Member[];
  added: [key: string, value: string][];
}

interface Route {
  path: string;
  models: readonly string[];
  /** `deployed`: as the upstream names the model. */
  make(random: Random, model: string, deployed: string): Case;
  /** The body that arrives, in what was sent. */
  read?(body: string): string;
}

/** Values of JSON, spelled in ways that reading and writing it again would change. */
class Random {
  readonly dice: Dice;

  constructor(seed: number) {
    this.dice = new Dice(seed);
  }

  one<T>(...choices: T[]): T {
    return this.dice.pick(choices);
  }

  maybe<T>(make: () => T): T[] {
    return this.dice.chance(0.5) ? [make()] : [];
  }

  blank(): string {
    return this.one("", "", " ", "\n", "\t ");
  }

  text(): string {
    const long = this.dice.chance(0.02) ? "x".repeat(70_000) : "";
    const said = this.one(
      "é 日本 😀",
      "plain",
      '\\"model\\": \\"other\\", \\"stream\\": true',
      "\\u0041\\/\\ud83d\\ude00",
      "",
      "store reasoning item",
    );
    return `"${said}${long}"`;
  }

  number(): string {
    return this.one("12345678901234567890", "1.10e-7", "0.70", "1E2", "-0", "3");
  }

  object(fields: string[]): string {
    return `{${this.blank()}${fields.join(`,${this.blank()}`)}${this.blank()}}`;
  }

  list(items: string[]): string {
    return `[${this.blank()}${items.join(`${this.blank()},${this.blank()}`)}${this.blank()}]`;
  }

  schema(): string {
    return this.object([
      `"type":${this.blank()}"object"`,
      `"maximum":${this.number()}`,
      '"properties":{"model":{"enum":["stream","store"]}}',
    ]);
  }

  future(): Member {
    return {
      key: "x_future",
      value: this.object([
        `"big":${this.number()}`,
        `"text" : ${this.text()}`,
        '"nothing":null',
        `"list":${this.list([this.number(), "{}"])}`,
      ]),
    };
  }

  shuffled<T>(items: readonly T[]): T[] {
    return items
      .map((item) => [this.dice.next(), item] as const)
      .sort(([a], [b]) => a - b)
      .map(([, item]) => item);
  }
}

const gone = null;

const chat: Route = {
  path: "/openai/eu/v1/chat/completions",
  models: ["recorded-gpt-4o", "recorded-gpt-5-mini"],
  make(random, model, deployed) {
    const parts = () =>
      random.one(
        random.text(),
        random.list([`{"type":"text","text":${random.text()}}`, '{"image_url":{"url":"https://x.test/é"},"type":"image_url"}']),
      );
    const call = `{"id":"call_1","type":"function","function":{"name":"look","arguments":${random.text()}}}`;
    const messages = random.list([
      ...random.maybe(() => `{"role":${random.one('"system"', '"developer"')},"content":${random.text()}}`),
      `{"content":${parts()},"role":"user"}`,
      ...(random.dice.chance(0.3)
        ? [
            `{"role":"assistant","content":null,"tool_calls":[${call}]}`,
            `{"role":"tool","tool_call_id":"call_1","content":${random.text()}}`,
          ]
        : []),
    ]);
    const isStream = random.dice.chance(0.5);
    const options = random.one(undefined, "null", "{}", '{ "include_usage" :false}', '{"include_usage": true}');
    const isReasoning = deployed === "gpt-5-mini";
    const limit = random.one("1e3", "4096");
    const optionsMember = (value: string): Member => {
      if (!isStream) return { key: "stream_options", value, arrives: gone };
      const arrives = value === "null" || value === "{}" ? '{"include_usage":true}' : value.replace("false", "true");
      return { key: "stream_options", value, arrives: { key: "stream_options", value: arrives } };
    };
    return {
      sent: random.shuffled<Member>([
        { key: "model", value: JSON.stringify(model), arrives: { key: "model", value: JSON.stringify(deployed) } },
        { key: "messages", value: messages },
        ...(isStream ? [{ key: "stream", value: "true" }] : random.maybe(() => ({ key: "stream", value: "false" }))),
        ...(options === undefined ? [] : [optionsMember(options)]),
        ...random.maybe(() => ({
          key: "max_tokens",
          value: limit,
          ...(isReasoning ? { arrives: { key: "max_completion_tokens", value: limit } } : {}),
        })),
        ...random.maybe<Member>(() => random.one({ key: "top_p", value: "-1", arrives: gone }, { key: "top_p", value: "0.90" })),
        ...random.maybe(() => ({
          key: "tools",
          value: random.list([`{"type":"function","function":{"name":"look","parameters":${random.schema()}}}`]),
        })),
        ...random.maybe(() => ({
          key: "response_format",
          value: `{"type":"json_schema","json_schema":{"name":"a","schema":${random.schema()}}}`,
        })),
        ...random.maybe(() => ({ key: "parallel_tool_calls", value: random.one("true", "false") })),
        ...random.maybe(() => ({ key: "n", value: "1" })),
        ...random.maybe(() => ({ key: "logit_bias", value: '{"50256":-1.0e2}' })),
        ...random.maybe(() => ({ key: "user", value: random.text() })),
        ...random.maybe(() => random.future()),
      ]),
      added: isStream && options === undefined ? [["stream_options", '{"include_usage":true}']] : [],
    };
  },
};

/** Items of an input, and those of them that arrive. */
function items(random: Random): { sent: string; arrives: string } {
  const hollow = random.one(
    '{"type":"reasoning","id":"rs_1","summary":[]}',
    '{"id":"rs_2", "type" : "reasoning","summary":[],"content":[ ],"encrypted_content":null}',
  );
  const sealed = '{"type":"reasoning","id":"rs_3","summary":[],"encrypted_content":"gAAA\\/b"}';
  const all = [
    `{"role":"user","content":${random.text()}}`,
    ...random.maybe(() => hollow),
    ...random.maybe(() => sealed),
    ...random.maybe(() => `{"type":"function_call","call_id":"c","name":"look","arguments":${random.text()}}`),
    `{"type":"message","role":"user","content":${random.list([`{"type":"input_text","text":${random.text()}}`])}}`,
  ];
  const sent = random.list(all);
  return { sent, arrives: all.includes(hollow) ? `[${all.filter((item) => item !== hollow).join(",")}]` : sent };
}

const SEALED = '"reasoning.encrypted_content"';

const responses: Route = {
  path: "/openai/eu/v1/responses",
  models: ["recorded-gpt-4o", "recorded-gpt-5-mini"],
  make(random, model, deployed) {
    const isReasoning = deployed === "gpt-5-mini";
    const input = items(random);
    const include = random.one(undefined, "null", "[]", '[ "message.output_text.logprobs" ]', `[${SEALED}]`);
    const filled: Record<string, string> = {
      null: `[${SEALED}]`,
      "[]": `[${SEALED}]`,
      '[ "message.output_text.logprobs" ]': `[ "message.output_text.logprobs",${SEALED} ]`,
    };
    const store = random.one(undefined, "true", "false", "null");
    const asked = (key: string, value: string, arrives: string): Member => ({ key, value, arrives: { key, value: arrives } });
    return {
      sent: random.shuffled<Member>([
        asked("model", JSON.stringify(model), JSON.stringify(deployed)),
        random.dice.chance(0.3) ? { key: "input", value: random.text() } : asked("input", input.sent, input.arrives),
        ...(store === undefined ? [] : [asked("store", store, "false")]),
        ...(include === undefined ? [] : [asked("include", include, isReasoning ? (filled[include] ?? include) : include)]),
        ...random.maybe(() => ({ key: "stream", value: random.one("true", "false") })),
        ...random.maybe(() => ({ key: "previous_response_id", value: "null" })),
        ...random.maybe(() => ({ key: "background", value: random.one("null", "false") })),
        ...random.maybe(() => ({ key: "max_output_tokens", value: random.one("1e3", "4096") })),
        ...random.maybe(() => ({ key: "instructions", value: random.text() })),
        ...random.maybe(() => ({
          key: "tools",
          value: random.list([`{"type":"function","name":"look","parameters":${random.schema()},"strict":true}`, '{"type":"web_search"}']),
        })),
        ...random.maybe(() => ({ key: "text", value: `{"format":{"type":"json_schema","name":"a","schema":${random.schema()}}}` })),
        ...random.maybe(() => ({ key: "reasoning", value: '{"effort" : "high"}' })),
        ...random.maybe(() => random.future()),
      ]),
      added: [
        ...(store === undefined ? [["store", "false"] as [string, string]] : []),
        ...(isReasoning && include === undefined ? [["include", `[${SEALED}]`] as [string, string]] : []),
      ],
    };
  },
};

const compact: Route = {
  path: "/openai/eu/v1/responses/compact",
  models: ["recorded-gpt-5-mini"],
  make(random, model, deployed) {
    const { sent, arrives } = items(random);
    return {
      sent: random.shuffled<Member>([
        { key: "model", value: JSON.stringify(model), arrives: { key: "model", value: JSON.stringify(deployed) } },
        { key: "input", value: sent, arrives: { key: "input", value: arrives } },
        ...random.maybe(() => ({ key: "instructions", value: random.text() })),
        ...random.maybe(() => random.future()),
      ]),
      added: [],
    };
  },
};

const embeddings: Route = {
  path: "/openai/eu/v1/embeddings",
  models: ["recorded-text-embedding-3-small"],
  make: (random, model, deployed) => ({
    sent: random.shuffled<Member>([
      { key: "model", value: JSON.stringify(model), arrives: { key: "model", value: JSON.stringify(deployed) } },
      { key: "input", value: random.one('"é 日本"', random.list(['"a"', '"\\u0041"']), random.list(["1", "1e2"])) },
      ...random.maybe(() => ({ key: "encoding_format", value: random.one('"float"', '"base64"') })),
      ...random.maybe(() => random.future()),
    ]),
    added: [],
  }),
};

function messagesOf(random: Random, model: string, isCount: boolean): Case {
  const mark = () => random.one("", `,${random.blank()}"cache_control":${random.blank()}{"type":"ephemeral"}`);
  const block = () => `{"type":"text"${random.blank()},"text":${random.text().replace('""', '"."')}${mark()}}`;
  const content = () => random.one(random.text().replace('""', '"."'), random.list([block()]));
  const isStream = !isCount && random.dice.chance(0.5);
  const limit = isCount ? random.maybe(() => "4096") : [random.one("1e3", "4096")];
  return {
    sent: random.shuffled<Member>([
      { key: "model", value: JSON.stringify(model), arrives: gone },
      ...(isStream ? [{ key: "stream", value: "true", arrives: gone }] : []),
      ...limit.map((value) => ({ key: "max_tokens", value })),
      {
        key: "messages",
        value: random.list([
          `{"role":"user","content":${content()}}`,
          `{"content":${content()},"role":"assistant"}`,
          `{"role":"user","content":${content()}}`,
        ]),
      },
      ...random.maybe(() => ({ key: "system", value: content() })),
      ...random.maybe(() => ({ key: "tools", value: random.list([`{"name":"look","input_schema":${random.schema()}}`]) })),
      ...random.maybe(() => ({ key: "stop_sequences", value: random.list(['"\\u0041"']) })),
      ...random.maybe(() => ({ key: "metadata", value: '{"user_id" : "u"}' })),
      ...random.maybe(() => random.future()),
    ]),
    added: [
      ["anthropic_version", '"bedrock-2023-05-31"'],
      ...(isCount && limit.length === 0 ? [["max_tokens", "1024"] as [string, string]] : []),
    ],
  };
}

const CLAUDES = ["recorded-claude-sonnet-4-5-20250929", "recorded-claude-opus-5"];
const messages: Route = { path: "/anthropic/eu/v1/messages", models: CLAUDES, make: (random, model) => messagesOf(random, model, false) };
const unified: Route = { path: "/api/v1/messages", models: CLAUDES, make: (random, model) => messagesOf(random, model, false) };
const counts: Route = {
  path: "/anthropic/eu/v1/messages/count_tokens",
  models: CLAUDES,
  make: (random, model) => messagesOf(random, model, true),
  read: (body) =>
    Buffer.from((JSON.parse(body) as { input: { invokeModel: { body: string } } }).input.invokeModel.body, "base64").toString(),
};

export function specifyBytes(world: FidelityWorld): void {
  for (const { path, models, make, read = (body: string) => body } of [chat, responses, compact, embeddings, messages, unified, counts]) {
    world.sentence(`${path}: random good bodies arrive byte for byte, but for what docs/fidelity.md names`, async () => {
      for (const [place, model] of models.entries()) {
        const deployed = model.replace(/^recorded-/, "");
        for (let nth = 0; nth < BODIES; nth++) {
          const random = new Random(SEED + place * 1_000 + nth);
          const { sent, added } = make(random, model, deployed);
          const body = `${random.blank()}{${random.blank()}${sent.map(({ key, value }) => `"${key}":${random.blank()}${value}`).join(`${random.blank()},${random.blank()}`)}}`;
          const before = world.recorder.all().length;
          const { status, text, dropped } = await world.post(path, body);
          expect([nth, body, status, status === 200 ? "" : text, dropped]).toEqual([nth, body, 200, "", []]);
          const arrived = read(world.recorder.all()[before]?.body ?? "");
          const kept = sent.flatMap(({ key, value, arrives = { key, value } }) => (arrives === null ? [] : [[arrives.key, arrives.value]]));
          const seen = members(arrived).map(({ key, start, end }) => [key, arrived.slice(start, end)]);
          expect([nth, body, seen]).toEqual([nth, body, [...kept, ...added]]);
        }
      }
    });
  }
}
