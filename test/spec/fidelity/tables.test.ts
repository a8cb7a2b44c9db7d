/** The tables of what models take, held against the catalogue; and requests that need no edit, which keep every byte. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { AZURE_TAKES } from "../../../src/providers/azure/takes.ts";
import { BEDROCK_TAKES } from "../../../src/providers/bedrock/takes.ts";
import { bedrockBody } from "../../../workers/providers/bedrock/body.ts";
import { BedrockLessons } from "../../../workers/providers/bedrock/lessons.ts";
import { takesOf } from "../../../workers/providers/bedrock/takes.ts";
import { acceptsOf, job } from "../../unit/workers/providers/upstream.ts";
import { FIDELITY_PAGE, withTables } from "./reference.ts";
import { modelsOf } from "./world.ts";

describe("every model of the catalogue has a line, and every line a model", () => {
  test("of Bedrock", () => expect(Object.keys(BEDROCK_TAKES).sort()).toEqual(modelsOf("bedrock").sort()));
  test("of Azure", () => expect(Object.keys(AZURE_TAKES).sort()).toEqual(modelsOf("azure").sort()));
});

test("docs/fidelity.md has the tables as they are (bun run docs)", () => {
  const page = readFileSync(FIDELITY_PAGE, "utf8");
  expect(page).toBe(withTables(page));
});

/** Seeded, so that what has failed once fails again. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

describe("bodies of all kinds", () => {
  const next = numbers(20_261_129);
  const one = <T>(...items: readonly T[]): T => items[Math.floor(next() * items.length)] as T;
  const blank = () => one("", "", " ", "\n", "\t ");
  const text = () =>
    JSON.stringify(one("é 日本 😀", "\\u0041 scope ttl", '"cache_control": {"scope": 1}', "system", "x".repeat(50), "strict")).replace(
      "é",
      one("é", "\\u00e9"),
    );
  const mark = () =>
    one("", "", `,${blank()}"cache_control":${blank()}{"type":"ephemeral"}`, ',"cache_control":{"ttl":"5m","type":"ephemeral"}');
  const block = () => `{"type":"text"${blank()},"text":${text()}${mark()}}`;
  const content = () => one(text(), `[${blank()}${[block(), block()].join(`${blank()},${blank()}`)}]`);
  const talk = () =>
    `[{"role":"user","content":${content()}},${blank()}{"content":${content()},"role":"assistant"},{"role":"user","content":${content()}}]`;
  const tool = (name: string) =>
    `{"name":"${name}","input_schema":{"type":"object","maximum":12345678901234567890,"properties":{"scope":{"enum":["system","strict"]}}}${mark()}}`;
  const fields = () => [
    `"max_tokens":${blank()}${one("1e3", "4096", "100")}`,
    `"messages":${blank()}${talk()}`,
    ...one([], [`"system":${content()}`]),
    ...one([], [`"tools":[${tool("a")},${blank()}${tool("b")}]`]),
    ...one([], ['"metadata":{"user_id":"u"}']),
    ...one([], ['"x_future" : { "big":12345678901234567890, "tiny":1.10e-7 }']),
  ];
  const shuffled = (list: string[]) =>
    list
      .map((item) => [next(), item] as const)
      .sort(([a], [b]) => a - b)
      .map(([, item]) => item);

  for (const model of ["claude-sonnet-4-5-20250929", "claude-opus-4-8", "claude-opus-5", "claude-haiku-5-5"]) {
    test(`${model}: what needs no edit arrives byte for byte, but for model, stream and version`, () => {
      const takes = takesOf(acceptsOf("bedrock", model));
      for (let nth = 0; nth < 500; nth++) {
        const own = shuffled(fields());
        const at = Math.floor(next() * (own.length + 1));
        const sent = [...own.slice(0, at), `"model":"m"`, ...own.slice(at), '"stream":true'].join(`,${blank()}`);
        const { body, dropped } = bedrockBody({ body: Buffer.from(`{${sent}}`).toString("latin1"), hints: "2023-06-01\n" }, takes);
        expect(dropped).toBe("");
        const written = Buffer.from(body, "latin1").toString("utf8");
        expect(JSON.parse(written)).toEqual({ ...JSON.parse(`{${own.join(",")}}`), anthropic_version: "bedrock-2023-05-31" });
        for (const field of own) expect(written).toContain(field);
      }
    });
  }
});

describe("what a refusal teaches", () => {
  const learn = (message: string, model = "claude-opus-5") => {
    const lessons = new BedrockLessons("bedrock-eu");
    const one = job({ accepts: acceptsOf("bedrock", model), model });
    const before = lessons.takes(one);
    const line = lessons.learn(one, message)?.line;
    return { line, before, after: lessons.takes(one) };
  };

  for (const [message, name] of [
    ["context_hint: Extra inputs are not permitted", "context_hint"],
    ["tools.3.custom.colour: Extra inputs are not permitted", "tools.colour"],
    ["The model returned the following errors: messages.2.content.0.text.colour: Extra inputs are not permitted", "content.colour"],
    ["messages.2.content.0.tool_result.content.1.text.colour: Extra inputs are not permitted", "content.colour"],
    ["messages.4.colour: Extra inputs are not permitted", "messages.colour"],
    ["system.1.cache_control.ephemeral.colour: Extra inputs are not permitted", "cache_control.colour"],
    ["output_config.task_budget: Extra inputs are not permitted", "output_config.task_budget"],
  ] as const) {
    test(`${message} → ${name}`, () => {
      const { line, after } = learn(message);
      expect(line).toContain(`fields: { remove: [${name}] }`);
      expect(after.without.has(name)).toBe(true);
    });
  }

  for (const [message, name] of [
    ["system.0.cache_control.ephemeral.ttl: Extra inputs are not permitted", "cache_control.ttl"],
    ["messages.0.content.0.text.cache_control: Extra inputs are not permitted", "cache_control"],
    ["tools.0.custom.strict: Extra inputs are not permitted", "tools.strict"],
    ["This model does not support the effort parameter.", "output_config.effort"],
    ["messages.1.role: Input should be 'user' or 'assistant'", "messages.role.system"],
  ] as const) {
    test(`${message} → without ${name}`, () => {
      const { before, after } = learn(message);
      expect([before.fields.has(name), after.fields.has(name)]).toEqual([true, false]);
    });
  }

  for (const message of [
    "output_config.format: Extra inputs are not permitted",
    "messages: Extra inputs are not permitted",
    "tools.0.custom.input_schema: Extra inputs are not permitted",
    "tools.0.custom.input_schema.properties.a: Extra inputs are not permitted",
    "thinking: Extra inputs are not permitted",
    "messages.0.content.0.text.text: Extra inputs are not permitted",
    "max_tokens: Input should be greater than or equal to 1",
    "invalid beta flag",
    "Input is too long for requested model.",
  ])
    test(`${message} → nothing`, () => expect(learn(message).line).toBeUndefined());
});
