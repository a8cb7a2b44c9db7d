/** An answer shows what was asked, so that a test sees in it when a part of the request was lost on the way. */

import { afterAll, describe, expect, test } from "bun:test";
import { isObject } from "../../../../src/contract/objects.ts";
import { type JsonObject, objects } from "../../../../src/sandbox/json.ts";
import { startSandbox } from "../../../../src/sandbox/sandbox.ts";
import { type Seen, STAND_INS, type StandInName, standInOf } from "../stand-ins.ts";

let now = Date.UTC(2026, 10, 1);
const sandbox = await startSandbox({ now: () => now });
afterAll(() => sandbox.close());

const SONNET_4_5 = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0";
const CITY = { type: "object", properties: { city: { type: "string" }, days: { type: "integer", minimum: 3 } }, required: ["city"] };
const NAMES = ["get_weather", "get_time"];

const tools = (standIn: StandInName): JsonObject[] =>
  NAMES.map((name) =>
    standIn === "bedrock" ? { name, input_schema: CITY } : { type: "function", function: { name, parameters: CITY, description: "x" } },
  );
const said = (role: string, content: unknown) => ({ role, content });

/** Asks the same question for a whole answer and for a stream. Both must have the same contents. */
async function both(standIn: StandInName, text: string, fields: JsonObject = {}, model?: string): Promise<Seen> {
  const { ask } = standInOf(sandbox, standIn, model);
  const [whole, streamed] = await Promise.all([ask(text, fields), ask(text, { ...fields, stream: true })]);
  const told = ({ text, calls, end, outputTokens }: Seen) => ({ text, calls, end, outputTokens });
  expect(whole.status).toBe(200);
  expect(told(streamed)).toEqual(told(whole));
  return whole;
}

describe.each([...STAND_INS])("%s", (standIn) => {
  const json =
    standIn === "bedrock"
      ? { output_config: { format: { type: "json_schema", schema: CITY } } }
      : { response_format: { type: "json_schema", json_schema: { name: "trip", schema: CITY } } };
  const newer = standIn === "bedrock" ? SONNET_4_5 : undefined;

  test("the text, the system prompt and the number of messages", async () => {
    const system = "Be brief.";
    const talk = [said("user", "One"), said("assistant", "Two"), said("user", "Three, 日本 🦦")];
    const fields =
      standIn === "bedrock"
        ? { system: [{ type: "text", text: system }], messages: talk }
        : { messages: [said("system", system), ...talk] };
    const { text } = await both(standIn, "", fields);
    expect(text).toContain("I was told: “Be brief.”.");
    expect(text).toContain("You said: “Three, 日本 🦦”.");
    expect(text).toContain(`That was message ${standIn === "bedrock" ? 3 : 4} of our talk.`);
  });

  test("max_tokens", async () => {
    const { outputTokens, end } = await both(standIn, "Hello!", { max_tokens: 3 });
    expect([outputTokens, end]).toEqual([3, standIn === "bedrock" ? "max_tokens" : "length"]);
  });

  test("stop sequences: the answer ends before the first one in it", async () => {
    const stops = ["sandbox", " in"];
    const { text, end, json } = await both(standIn, "Hello!", standIn === "bedrock" ? { stop_sequences: stops } : { stop: stops });
    expect(text).toBe(`This is ${standIn === "bedrock" ? "claude-3-haiku-20240307" : "gpt-4o"}`);
    expect([end, json.stop_sequence]).toEqual(standIn === "bedrock" ? ["stop_sequence", " in"] : ["stop", undefined]);
  });

  test("a JSON schema", async () => {
    const { text } = await both(standIn, "Three days in Paris", json, newer);
    expect(JSON.parse(text)).toEqual({ city: "Paris", days: 3 });
  });

  test("the tool that the question names, or else the first one", async () => {
    expect((await both(standIn, "Call get_time for Paris", { tools: tools(standIn) })).calls).toEqual([
      { name: "get_time", input: '{"city":"Paris","days":3}' },
    ]);
    const first = await both(standIn, "What about Paris?", { tools: tools(standIn) });
    expect([first.calls.map(({ name }) => name), first.end]).toEqual([["get_weather"], standIn === "bedrock" ? "tool_use" : "tool_calls"]);
  });

  test("a forced tool, any tool, none", async () => {
    const choice = (kind: "tool" | "any" | "none") =>
      standIn === "bedrock"
        ? { type: kind, ...(kind === "tool" ? { name: "get_time" } : {}) }
        : { tool: { type: "function", function: { name: "get_time" } }, any: "required", none: "none" }[kind];
    const names = async (kind: "tool" | "any" | "none") =>
      (await both(standIn, "What about Paris?", { tools: tools(standIn), tool_choice: choice(kind) })).calls.map(({ name }) => name);
    expect([await names("tool"), await names("any"), await names("none")]).toEqual([["get_time"], ["get_weather"], []]);
  });

  test("several tools at once, and only one where the request says so", async () => {
    const question = "Both get_weather and get_time for Paris";
    const alone =
      standIn === "bedrock" ? { tool_choice: { type: "auto", disable_parallel_tool_use: true } } : { parallel_tool_calls: false };
    expect((await both(standIn, question, { tools: tools(standIn) })).calls.map(({ name }) => name)).toEqual(NAMES);
    expect((await both(standIn, question, { tools: tools(standIn), ...alone })).calls.map(({ name }) => name)).toEqual(["get_weather"]);
  });

  test("the results of tools, and then no more calls", async () => {
    const turns =
      standIn === "bedrock"
        ? [
            said(
              "assistant",
              NAMES.map((name, index) => ({ type: "tool_use", id: `c${index}`, name, input: {} })),
            ),
            said(
              "user",
              ["18 degrees", "noon"].map((content, index) => ({
                type: "tool_result",
                tool_use_id: `c${index}`,
                content: [{ type: "text", text: content }],
              })),
            ),
          ]
        : [
            {
              role: "assistant",
              content: null,
              tool_calls: NAMES.map((name, index) => ({ id: `c${index}`, type: "function", function: { name, arguments: "{}" } })),
            },
            ...["18 degrees", "noon"].map((content, index) => ({ role: "tool", tool_call_id: `c${index}`, content })),
          ];
    const { text, calls } = await both(standIn, "", { tools: tools(standIn), messages: [said("user", "Weather and time?"), ...turns] });
    expect(calls).toEqual([]);
    expect(text).toContain("The tool answered: “18 degrees”. The tool answered: “noon”.");
  });

  test("before the answer, a tool is called as often as the question says", async () => {
    const messages: JsonObject[] = [said("user", "[sandbox: rounds=3 tool=get_time] What time is it?")];
    const rounds: string[][] = [];
    for (let round = 0; round < 4; round++) {
      const { calls, text } = await both(standIn, "", { tools: tools(standIn), messages });
      rounds.push(calls.map(({ name }) => name));
      if (calls.length === 0) expect(text).toContain("The tool answered: “noon”.");
      const id = `c${round}`;
      if (standIn === "bedrock")
        messages.push(
          said("assistant", [{ type: "tool_use", id, name: "get_time", input: {} }]),
          said("user", [
            { type: "tool_result", tool_use_id: id, content: "noon" },
            { type: "text", text: "<system-reminder>\nget_weather\n</system-reminder>" },
          ]),
        );
      else {
        const call = { id, type: "function", function: { name: "get_time", arguments: "{}" } };
        messages.push({ role: "assistant", content: null, tool_calls: [call] }, { role: "tool", tool_call_id: id, content: "noon" });
      }
    }
    expect(rounds).toEqual([["get_time"], ["get_time"], ["get_time"], []]);
  });

  test("a larger question costs more", async () => {
    const input = async (text: string, fields: JsonObject = {}) => {
      const { usage } = (await both(standIn, text, fields)).json;
      return isObject(usage) ? Number(usage.input_tokens ?? usage.prompt_tokens) : Number.NaN;
    };
    const small = await input("Hello!");
    expect(await input("Hello!".repeat(100))).toBeGreaterThan(small + 100);
    expect(await input("Hello!", { tools: tools(standIn) })).toBeGreaterThan(small + 20);
  });
});

describe("bedrock alone", () => {
  test("an answer continues a prefill", async () => {
    const { text } = await both("bedrock", "", { messages: [said("user", "Who is it?"), said("assistant", "The answer is")] });
    expect(text).toStartWith("… and so it goes on from “The answer is”.");
    expect(text).toContain("You said: “Who is it?”.");
  });

  test("a document", async () => {
    const source = { type: "base64", media_type: "application/pdf", data: "JVBERi0=" };
    const { text } = await both("bedrock", "", {
      messages: [
        said("user", [
          { type: "document", source },
          { type: "text", text: "Sum it up." },
        ]),
      ],
    });
    expect(text).toContain("I was given a document.");
  });

  test("a thought has a signature, counts as output, and is hidden where the request says so", async () => {
    const thinking = { type: "enabled", budget_tokens: 1_024 };
    const ask = (fields: JsonObject) => both("bedrock", "Hello!", { max_tokens: 2_000, ...fields }, SONNET_4_5);
    const [plain, thought, hidden] = [await ask({}), await ask({ thinking }), await ask({ thinking: { ...thinking, display: "omitted" } })];
    expect(objects(thought.json.content).map(({ type }) => type)).toEqual(["thinking", "text"]);
    expect(objects(thought.json.content)[0]).toMatchObject({
      thinking: expect.stringMatching(/\w/),
      signature: expect.stringMatching(/\w/),
    });
    expect(objects(hidden.json.content)[0]).toMatchObject({ thinking: "", signature: expect.stringMatching(/\w/) });
    expect(thought.outputTokens).toBeGreaterThan(plain.outputTokens);
    expect(thought.text).toBe(plain.text);
  });

  test("tokens that are written to and read from the cache, which forgets after five minutes", async () => {
    const system = [{ type: "text", text: "A long story. ".repeat(50), cache_control: { type: "ephemeral" } }];
    const usage = async (fields: JsonObject = {}) =>
      (await standInOf(sandbox, "bedrock", SONNET_4_5).ask("Hello!", { system, ...fields })).json.usage;
    const weight = 175;
    expect(await usage()).toMatchObject({
      cache_creation_input_tokens: weight,
      cache_read_input_tokens: 0,
      cache_creation: { ephemeral_5m_input_tokens: weight },
    });
    expect(await usage()).toMatchObject({ cache_creation_input_tokens: 0, cache_read_input_tokens: weight });
    const hour = [{ ...system[0], text: "Another story.", cache_control: { type: "ephemeral", ttl: "1h" } }];
    expect(await usage({ system: hour })).toMatchObject({ cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 4 } });
    now += 5 * 60_000;
    expect(await usage()).toMatchObject({ cache_creation_input_tokens: weight, cache_read_input_tokens: 0 });
  });

  test("the headers of a whole answer have the same numbers as its usage", async () => {
    const { headers, json } = await standInOf(sandbox, "bedrock").ask("Hello!");
    const usage = isObject(json.usage) ? json.usage : {};
    expect(headers["x-amzn-bedrock-input-token-count"]).toBe(String(usage.input_tokens));
    expect(headers["x-amzn-bedrock-output-token-count"]).toBe(String(usage.output_tokens));
    expect(headers["x-amzn-requestid"]).toMatch(/^[0-9a-f-]{36}$/);
  });
});

test("azure: the thought of a reasoning model is counted but not shown", async () => {
  const details = async (fields: JsonObject) => (await both("azure", "Hello!", fields, "o3-mini")).json.usage;
  expect(await details({})).toMatchObject({ completion_tokens_details: { reasoning_tokens: 16 } });
  expect(await details({ reasoning_effort: "none" })).toMatchObject({ completion_tokens_details: { reasoning_tokens: 0 } });
});
