import { describe, expect, test } from "bun:test";
import { random, samples } from "../../../../bench/calibrate/samples.ts";
import { type ByteText, encodeUtf8 } from "../../../../src/contract/bytes.ts";
import type { UpstreamDialect } from "../../../../src/contract/dialect.ts";
import { bound, PICTURE_AT_MOST } from "../../../../src/limiter/bound.ts";
import { estimate, estimateInTurns } from "../../../../workers/estimate/estimate.ts";
import { png } from "./pictures.ts";

const bodyOf = (request: unknown): ByteText => encodeUtf8(JSON.stringify(request));
const claude = (request: object, model = "claude-3-haiku-20240307") =>
  estimate("anthropic", model, bodyOf({ model, max_tokens: 5, ...request }));
const gpt = (request: object, model = "gpt-4o") => estimate("openai", model, bodyOf({ model, ...request }));
const user = (content: unknown) => ({ messages: [{ role: "user", content }] });

describe("the parts of a request that are billed", () => {
  test("a short message costs its words and a few tokens of frame", () => {
    // "Hello" is one token; OpenAI adds 3 + 1 for the message and 3 for the answer, Claude 6 + 3.
    expect(gpt(user("Hello"))).toBeWithin(7, 11);
    expect(claude(user("Hello"))).toBeWithin(9, 13);
  });

  test("field names, ids and cache marks cost nothing", () => {
    const plain = claude(user([{ type: "text", text: "Why is the sky blue?" }]));
    const marked = claude({
      ...user([{ type: "text", text: "Why is the sky blue?", cache_control: { type: "ephemeral", ttl: "1h" } }]),
      metadata: { user_id: "someone" },
      stop_sequences: ["\n\n"],
    });
    expect(marked).toBe(plain);
  });

  test.each(["Ã¤", "ä½\u00a0", "ð\u009f\u0098\u0080", "ê°\u0080", "É» and Ã¤", "Ã\u00a4Ã©Ã¼"])(
    "escaped characters that look like the bytes of another (%j) cost what they cost in UTF-8, in both dialects and in turns",
    async (characters) => {
      const text = characters.repeat(500);
      const escaped = (request: object) =>
        JSON.stringify(request).replace(/[^\0-\x7f]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
      for (const [dialect, model] of [
        ["openai", "gpt-4o"],
        ["anthropic", "claude-sonnet-4-5"],
      ] as const) {
        const request = { model, max_tokens: 5, ...user(text) };
        const real = estimate(dialect, model, bodyOf(request));
        expect(estimate(dialect, model, escaped(request))).toBe(real);
        const read = JSON.parse(escaped(request));
        expect(await estimateInTurns(dialect, model, escaped(request), read, async () => {})).toBe(real);
        // Some of these bytes are no UTF-8 when they are alone.
        const mixed = escaped(request).replaceAll("\\u00c3", "\u00c3");
        expect(estimate(dialect, model, mixed)).toBeGreaterThan(real / 2);
      }
    },
  );

  test("the same text costs the same in UTF-8, escaped, and as a string or a list of parts", () => {
    const utf8 = gpt(user("你好，世界！今天天气怎么样？"));
    const escaped = bodyOf({ model: "gpt-4o", ...user("你好，世界！今天天气怎么样？") }).length;
    const ascii = JSON.stringify({ model: "gpt-4o", ...user("你好，世界！今天天气怎么样？") }).replace(
      /[^\0-\x7f]/g,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    expect(ascii.length).toBeGreaterThan(escaped);
    expect(estimate("openai", "gpt-4o", ascii)).toBe(utf8);
    expect(gpt(user([{ type: "text", text: "你好，世界！今天天气怎么样？" }]))).toBe(utf8);
  });

  test("system prompts, names, tool calls and tool results are text", () => {
    const long = "Answer in the style of a sea captain. ".repeat(20);
    expect(claude({ ...user("Hi"), system: long }) - claude(user("Hi"))).toBeWithin(110, 230);
    expect(claude({ ...user("Hi"), system: [{ type: "text", text: long }] })).toBe(claude({ ...user("Hi"), system: long }));
    expect(
      claude(user([{ type: "tool_result", tool_use_id: "toolu_1", content: [{ type: "text", text: long }] }])) - claude(user("Hi")),
    ).toBeWithin(110, 240);
    expect(
      claude({ messages: [{ role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name: "say", input: { words: long } }] }] }),
    ).toBeWithin(110, 250);
    const call = {
      role: "assistant",
      content: null,
      tool_calls: [{ id: "c", type: "function", function: { name: "say", arguments: JSON.stringify({ words: long }) } }],
    };
    expect(gpt({ messages: [call] })).toBeWithin(110, 230);
  });

  test("tools cost their fixed text, more when one is forced, and their names, descriptions and properties", () => {
    const tool = {
      name: "get_weather",
      description: "Look up the weather for a city.",
      input_schema: { type: "object", properties: { city: { type: "string" }, unit: { type: "string", enum: ["celsius", "fahrenheit"] } } },
    };
    const without = claude(user("Hi"), "claude-opus-5");
    const free = claude({ ...user("Hi"), tools: [tool] }, "claude-opus-5");
    const forced = claude({ ...user("Hi"), tools: [tool], tool_choice: { type: "any" } }, "claude-opus-5");
    expect(forced - free).toBe(406 - 286);
    expect(free - without).toBeWithin(286 + 40, 286 + 90);
    const functions = [{ type: "function", function: { name: tool.name, description: tool.description, parameters: tool.input_schema } }];
    expect(gpt({ ...user("Hi"), tools: functions }) - gpt(user("Hi"))).toBeWithin(40, 80);
  });

  test("newer Claude models take a third more for the same text", () => {
    const text = "The committee will meet on Thursday to discuss the budget. ".repeat(30);
    const ratio = claude(user(text), "claude-opus-4-7") / claude(user(text), "claude-sonnet-4-5-20250929");
    expect(ratio).toBeCloseTo(1.3, 1);
    expect(claude(user(text), "claude-3-5-sonnet-20240620")).toBe(claude(user(text), "claude-opus-4-6"));
  });

  test("a picture costs by its size and not by its bytes", () => {
    const data = png(1000, 1000, 400_000);
    expect(claude(user([{ type: "image", source: { type: "base64", media_type: "image/png", data } }])) - 9).toBe(1296);
    expect(gpt(user([{ type: "image_url", image_url: { url: `data:image/png;base64,${data}` } }])) - 7).toBe(765);
    expect(gpt(user([{ type: "image_url", image_url: { url: `data:image/png;base64,${data}`, detail: "low" } }])) - 7).toBe(85);
    expect(gpt({ input: [{ role: "user", content: [{ type: "input_image", image_url: `data:image/png;base64,${data}` }] }] }) - 7).toBe(
      765,
    );
    // A picture at an address, or one that cannot be read, counts as the largest.
    expect(gpt(user([{ type: "image_url", image_url: { url: "https://example.com/a.png" } }])) - 7).toBe(1445);
    expect(claude(user([{ type: "image", source: { type: "base64", data: "????" } }])) - 9).toBe(1568);
  });

  test("a document costs by its size, between one page and a hundred", () => {
    const pdf = (kilobytes: number) =>
      claude(user([{ type: "document", source: { type: "base64", media_type: "application/pdf", data: "A".repeat(kilobytes * 1000) } }])) -
      9;
    expect(pdf(1)).toBe(2000);
    expect(pdf(534)).toBe(20_000);
    expect(pdf(20_000)).toBe(200_000);
    expect(claude(user([{ type: "document", source: { type: "text", data: "plain words here" } }]))).toBeWithin(11, 16);
  });

  test("the responses and embeddings forms of input are counted too", () => {
    const words = "The committee will meet on Thursday. ";
    expect(gpt({ input: words, instructions: words })).toBeWithin(14, 24);
    expect(gpt({ input: [words, words] }, "text-embedding-3-small")).toBeWithin(14, 24);
    expect(
      gpt(
        {
          input: [
            [1, 2, 3],
            [4, 5],
          ],
        },
        "text-embedding-3-small",
      ),
    ).toBe(8);
    expect(
      gpt({
        input: [
          { type: "function_call", name: "f", arguments: '{"a":1}' },
          { type: "function_call_output", call_id: "c", output: words },
        ],
      }),
    ).toBeWithin(20, 35);
  });

  test("a long body that is parsed already costs the same when it is counted in turns, whether it has one text or many", async () => {
    const words = "A weir holds a river back, and lets it run; 你好。 ";
    const bodies = [
      [words.repeat(40_000)],
      Array.from({ length: 40 }, () => words.repeat(1_000)),
      Array.from({ length: 40_000 }, () => words),
    ];
    for (const texts of bodies) {
      const body = bodyOf({ model: "gpt-4o", ...user(texts.map((text) => ({ type: "text", text }))), tools: [{ type: "function" }] });
      let turns = 0;
      const inTurns = await estimateInTurns("openai", "gpt-4o", body, JSON.parse(body), async () => void turns++);
      expect(turns).toBeGreaterThan(10);
      expect(Math.abs(inTurns - estimate("openai", "gpt-4o", body))).toBeLessThan(2 * turns);
    }
    const small = bodyOf(user("Hello"));
    const atOnce = await estimateInTurns("openai", "gpt-4o", small, JSON.parse(small), () =>
      Promise.reject(new Error("a turn for nothing")),
    );
    expect(atOnce).toBe(estimate("openai", "gpt-4o", small));
  });

  test("whatever a body is, there is an answer", () => {
    for (const body of [
      "",
      "null",
      "[]",
      "{",
      '"text"',
      "{}",
      '{"messages":7}',
      '{"messages":[7,null,[]],"tools":[1],"input":{}}',
      '{"messages":[{"content":[null,3,{"type":9}]}],"system":{"a":1}}',
    ]) {
      for (const dialect of ["anthropic", "openai"] as UpstreamDialect[]) {
        const tokens = estimate(dialect, "nobody-knows-it", body);
        expect(Number.isInteger(tokens) && tokens >= 1).toBe(true);
      }
    }
  });
});

describe("the bound", () => {
  /** Requests of every form with texts of every class. */
  function* requests(): Generator<[UpstreamDialect, string, object]> {
    const next = random(4);
    const texts = [...samples("holdout").values()].map((text) => text.slice(0, 1500));
    const words = () => texts[Math.floor(next() * texts.length)] ?? "";
    const tiny = () => words().slice(0, Math.floor(next() * 6));
    for (let round = 0; round < 150; round++) {
      const properties = Object.fromEntries(
        Array.from({ length: Math.floor(next() * 8) }, (_, i) => [
          `p${i}`,
          next() < 0.5 ? {} : { type: "string", enum: [tiny(), "x"], description: tiny() },
        ]),
      );
      const tools = Array.from({ length: Math.floor(next() * 4) }, (_, i) => ({ name: `t${i}`, input_schema: { properties } }));
      const messages = Array.from({ length: 1 + Math.floor(next() * 6) }, () => ({
        role: "user",
        content: next() < 0.5 ? tiny() : words(),
      }));
      const image = { type: "image", source: { type: "url", url: "x" } };
      yield [
        "anthropic",
        "claude-opus-4-7",
        {
          system: tiny(),
          messages: [...messages, ...(next() < 0.3 ? [{ role: "user", content: [image, image] }] : [])],
          ...(next() < 0.6 ? { tools, tool_choice: { type: "any" } } : {}),
        },
      ];
      const functions = tools.map(({ name, input_schema }) => ({ type: "function", function: { name, parameters: input_schema } }));
      const picture = { type: "image_url", image_url: { url: "http://a.b/c" } };
      yield [
        "openai",
        "gpt-4o-mini",
        {
          messages: [...messages, ...(next() < 0.3 ? [{ role: "user", content: [picture] }] : [])],
          ...(next() < 0.6 ? { tools: functions } : {}),
        },
      ];
    }
  }

  test("no estimate is larger, for requests of every form", () => {
    for (const [dialect, model, request] of requests()) {
      const body = bodyOf(request);
      expect(estimate(dialect, model, body)).toBeLessThanOrEqual(bound(body));
    }
  });

  test("the bound of plain text is its bytes, so that small calls need no worker first", () => {
    const body = bodyOf({ model: "gpt-4o", ...user("Hello") });
    expect(bound(body)).toBe(body.length + 64);
  });

  test("pictures count as the largest, also where the name is written with an escape", () => {
    const body = bodyOf(user([{ type: "image_url", image_url: { url: "https://example.com/a.png" } }]));
    expect(bound(body)).toBeGreaterThan(PICTURE_AT_MOST);
    expect(bound('{"messages":[{"role":"user","content":[{"type":"\\u0069mage","source":{}}]}]}')).toBe(Number.POSITIVE_INFINITY);
  });

  test("content that is remote, billed by the page or very large has no bound", () => {
    for (const request of [
      user([{ type: "document", source: {} }]),
      { previous_response_id: "resp_1" },
      user([{ type: "file", file: { file_id: "f" } }]),
      user("x".repeat(300_000)),
    ]) {
      expect(bound(bodyOf(request))).toBe(Number.POSITIVE_INFINITY);
    }
  });

  test("a prompt that only mentions such fields keeps its bound", () => {
    const body = bodyOf(user('Please explain the fields "image", "document" and "file_id".'));
    expect(bound(body)).toBe(body.length + 64);
  });
});
