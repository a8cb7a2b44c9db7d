/** The estimate overlooks nothing that goes upstream: text is put at every place of requests of every form, and must be counted there. */
import { describe, expect, test } from "bun:test";
import { exactTokens } from "../../../../bench/calibrate/reference.ts";
import { random, samples } from "../../../../bench/calibrate/samples.ts";
import { encodeUtf8 } from "../../../../src/contract/bytes.ts";
import type { UpstreamDialect } from "../../../../src/contract/dialect.ts";
import { UNBILLED as ANTHROPIC_UNBILLED } from "../../../../workers/estimate/anthropic.ts";
import { estimate } from "../../../../workers/estimate/estimate.ts";
import { UNBILLED as OPENAI_UNBILLED } from "../../../../workers/estimate/openai.ts";
import type { Tokenizer } from "../../../../workers/estimate/text.ts";
import { png } from "./pictures.ts";
import { chat, embeddings, messages, responses, schema } from "./requests.ts";

interface Operation {
  dialect: UpstreamDialect;
  model: string;
  tokenizer: Tokenizer;
  request: object;
}

const OPERATIONS: Record<string, Operation> = {
  messages: { dialect: "anthropic", model: "claude-sonnet-4-5", tokenizer: "claude", request: messages },
  "chat completions": { dialect: "openai", model: "gpt-4o", tokenizer: "o200k", request: chat },
  "chat completions of an older model": { dialect: "openai", model: "gpt-4", tokenizer: "cl100k", request: chat },
  responses: { dialect: "openai", model: "gpt-4o", tokenizer: "o200k", request: responses },
  embeddings: { dialect: "openai", model: "text-embedding-3-small", tokenizer: "cl100k", request: embeddings },
};

const UNBILLED: Record<UpstreamDialect, object> = { anthropic: ANTHROPIC_UNBILLED, openai: OPENAI_UNBILLED };

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Path = (string | number)[];

/** Whether a value is encoded content, which is billed for each picture, page or second. */
const isEncoded = (value: Json) => typeof value === "string" && /^(?:data:|JVBER|UklGR|iVBOR)/.test(value);

/** Every value of a request that is billed. */
function* places(value: Json, dialect: UpstreamDialect, path: Path = []): Generator<Path> {
  if (isEncoded(value)) return;
  yield path;
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    if (path.length === 0 && key in UNBILLED[dialect]) continue;
    yield* places(member, dialect, [...path, Array.isArray(value) ? Number(key) : key]);
  }
}

/** The forms in which text can be at a place. */
type Form = (here: Json, text: string) => Json;
const isRecord = (here: Json): here is { [key: string]: Json } => typeof here === "object" && here !== null && !Array.isArray(here);
const further: Form = (here, text) => {
  if (typeof here === "string") return here + text;
  if (Array.isArray(here)) return [...here, text];
  return isRecord(here) ? { ...here, further: text } : text;
};
const FORMS: Record<string, Form> = {
  "as the value, or a further one": further,
  "as a name": (here, text) => (isRecord(here) ? { ...here, [text]: 1 } : { [text]: [] }),
  "as many short strings": (here, text) => {
    const words = text.match(/.{1,40}/gsu) ?? [];
    return isRecord(here) ? { ...here, data: words } : Array.isArray(here) ? [...here, ...words] : words;
  },
  "as an object of an unknown type": (here, text) => {
    const odd = { type: "novelty", id: text.slice(0, 400), data: { text: text.slice(400) } };
    return Array.isArray(here) ? [...here, odd] : isRecord(here) ? { ...here, novelty: odd } : odd;
  },
};

function placed(root: Json, path: Path, form: Form, text: string): Json {
  const [step, ...rest] = path;
  if (step === undefined) return form(root, text);
  if (Array.isArray(root)) return root.map((item, i) => (i === step ? placed(item, rest, form, text) : item));
  if (!isRecord(root)) throw new Error("a path leads to nowhere");
  return { ...root, [step]: placed(root[step] ?? null, rest, form, text) };
}

const estimated = ({ dialect, model }: Operation, request: unknown) => estimate(dialect, model, encodeUtf8(JSON.stringify(request)));

const next = random(12);
const TEXTS = [...samples("holdout").values()].map((text) => text.slice(0, 3000));
const someText = () => TEXTS[Math.floor(next() * TEXTS.length)] ?? "";

describe("text counts wherever it is", () => {
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const request = operation.request as Json;
    test(`in a request of ${name}: the estimate is above half of what the tokenizer makes of it, at every place and in every form`, () => {
      const unseen: string[] = [];
      for (const path of places(request, operation.dialect)) {
        for (const [form, put] of Object.entries(FORMS)) {
          const text = someText();
          // Compared with the same request with one letter there, so that no other part of it hides text that is not counted.
          const got = estimated(operation, placed(request, path, put, text)) - estimated(operation, placed(request, path, put, "a"));
          const real = exactTokens(operation.tokenizer, text);
          if (!(got > real / 2)) unseen.push(`${form} at ${path.join(".")}: ${got} of ${real}`);
        }
      }
      expect(unseen).toEqual([]);
    });

    test(`in a request of ${name}: also where it is spread over many places at once`, () => {
      const all = [...places(request, operation.dialect)];
      for (let round = 0; round < 40; round++) {
        let [spread, small] = [request, request];
        let real = 0;
        // The later places first: what is put into the earlier ones may replace them.
        for (const path of all.filter(() => next() < 0.3).reverse()) {
          const text = someText().slice(0, 600);
          spread = placed(spread, path, further, text);
          small = placed(small, path, further, "a");
          real += exactTokens(operation.tokenizer, text);
        }
        expect(estimated(operation, spread) - estimated(operation, small)).toBeGreaterThanOrEqual(real / 2);
      }
    });
  }

  test("a schema costs at least half of its JSON, however little of it is text", () => {
    const odd: Record<string, object> = {
      ordinary: schema,
      "of empty schemas": { anyOf: Array.from({ length: 2000 }, () => ({})) },
      "of types": { properties: Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`p${i}`, { type: "string" }])) },
      "of required names": {
        properties: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`long_name_of_a_property_${i}`, { type: "boolean" }])),
        required: Array.from({ length: 300 }, (_, i) => `long_name_of_a_property_${i}`),
      },
      deep: Array.from({ length: 500 }).reduce<object>((inner) => ({ items: inner }), {}),
      "of numbers": { enum: Array.from({ length: 2000 }, (_, i) => i * 1001), minimum: 12345, maxLength: 99 },
      "of switches": { allOf: Array.from({ length: 500 }, () => ({ additionalProperties: false, nullable: true })) },
    };
    const tool = { name: "t", input_schema: {} };
    const definition = { type: "function", function: { name: "t", parameters: {} } };
    for (const [name, one] of Object.entries(odd)) {
      const { messages: claude, "chat completions": gpt } = OPERATIONS as Required<typeof OPERATIONS>;
      const text = JSON.stringify(one);
      for (const [operation, empty, full] of [
        [claude, [tool], [{ ...tool, input_schema: one }]],
        [gpt, [definition], [{ ...definition, function: { name: "t", parameters: one } }]],
      ] as const) {
        if (operation === undefined) throw new Error("no such operation");
        const cost = estimated(operation, { messages: [], tools: full }) - estimated(operation, { messages: [], tools: empty });
        expect({ name, seen: cost >= exactTokens(operation.tokenizer, text) / 2 }).toEqual({ name, seen: true });
      }
    }
  });

  test("a number counts by its digits, even where the parser has rounded them away", () => {
    const digits = "7".repeat(4000);
    const body = `{"messages":[],"tools":[{"name":"t","input_schema":{"default":${digits}}}]}`;
    const less = body.replace(digits, "7");
    const claude = (text: string) => estimate("anthropic", "claude-sonnet-4-5", text);
    expect(claude(body) - claude(less)).toBeGreaterThan(1000);
  });
});

describe("what is known not to be billed costs nothing", () => {
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    test(`in a request of ${name}`, () => {
      const plain = estimated(operation, operation.request);
      for (const unbilled of Object.keys(UNBILLED[operation.dialect]))
        expect({ unbilled, cost: estimated(operation, { ...operation.request, [unbilled]: someText() }) }).toEqual({
          unbilled,
          cost: plain,
        });
    });
  }

  test("each of them has a reason", () => {
    for (const reasons of Object.values(UNBILLED))
      for (const reason of Object.values(reasons)) expect(String(reason).length).toBeGreaterThan(4);
  });

  test("ids, marks and settings of usual length", () => {
    const { messages: claude, "chat completions": gpt } = OPERATIONS as Required<typeof OPERATIONS>;
    if (claude === undefined || gpt === undefined) throw new Error("no such operation");
    const user = { role: "user", content: "Hi" };
    expect(
      estimated(claude, {
        messages: [{ role: "user", content: [{ type: "text", text: "Hi", cache_control: { type: "ephemeral", ttl: "1h" } }] }],
        thinking: { type: "enabled", budget_tokens: 2048 },
        output_config: { effort: "high" },
        context_management: { edits: [{ type: "clear_tool_uses_20250919", trigger: { type: "input_tokens", value: 30_000 } }] },
      }),
    ).toBe(estimated(claude, { messages: [user] }));
    expect(
      estimated(gpt, {
        messages: [user],
        reasoning_effort: "low",
        modalities: ["text", "audio"],
        audio: { voice: "alloy", format: "wav" },
        tool_choice: { type: "function", function: { name: "get_weather" } },
      }),
    ).toBe(estimated(gpt, { messages: [user] }));
  });

  test("content that an upstream has encrypted for itself costs about as much as the text in it, and plain text in its place is text", () => {
    const { messages: claude } = OPERATIONS as Required<typeof OPERATIONS>;
    if (claude === undefined) throw new Error("no such operation");
    const thought = (TEXTS[0] ?? "").slice(0, 2000);
    const asking = (block: object) => estimated(claude, { messages: [{ role: "assistant", content: [block] }] });
    const hidden = asking({ type: "redacted_thinking", data: Buffer.from(thought).toString("base64") });
    expect(hidden).toBeWithin(Buffer.byteLength(thought) / 6, Buffer.byteLength(thought) / 2.5);
    const words = "the same six words once more ".repeat(500);
    expect(asking({ type: "redacted_thinking", data: words })).toBeGreaterThan(exactTokens("claude", words) / 2);
  });

  test("a picture's bytes, under its known type only", () => {
    const { messages: claude } = OPERATIONS as Required<typeof OPERATIONS>;
    if (claude === undefined) throw new Error("no such operation");
    const asking = (block: object) => estimated(claude, { messages: [{ role: "user", content: [block] }] });
    const source = { type: "base64", media_type: "image/png", data: png(100, 100, 60_000) };
    expect(asking({ type: "image", source })).toBeLessThan(100);
    expect(asking({ type: "picture", source })).toBeGreaterThan(10_000);
  });
});
