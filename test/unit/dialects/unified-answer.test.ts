/** The unified route's translation: a message and its stream must say the same, wherever the stream is cut between events. */
import { describe, expect, test } from "bun:test";
import { decodeUtf8, encodeUtf8 } from "../../../src/contract/bytes.ts";
import type { Usage } from "../../../src/contract/usage.ts";
import { ChunkStream, envelopeOf } from "../../../src/dialects/unified/answer.ts";

type Block =
  | { type: "text"; text: string }
  | { type: "thinking"; thinking: string; signature: string }
  | { type: "redacted_thinking"; data: string }
  | { type: "tool_use"; id: string; name: string; input: Record<string, unknown> };

interface Message {
  id: string;
  content: Block[];
  stop_reason: string | null;
}

interface Call {
  index?: number;
  id: string;
  type: string;
  function: { name: string; arguments: string };
}

interface Answer {
  role: string;
  content: string | null;
  reasoning_content?: string;
  tool_calls?: Call[];
}

const USAGE: Usage = { input: 11, output: 7, cacheRead: 5, cacheWrite: 3, cacheWriteHour: 2, reasoning: 4 };
const TOLD = {
  prompt_tokens: 19,
  completion_tokens: 7,
  total_tokens: 26,
  prompt_tokens_details: { cached_tokens: 5, cache_write_5m_tokens: 1, cache_write_1h_tokens: 2 },
  completion_tokens_details: { reasoning_tokens: 4 },
};

function event(type: string, fields: object): string {
  return encodeUtf8(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
}

/** The events of a message; `cut` says how many characters its next delta has. */
function eventsOf({ id, content, stop_reason }: Message, cut: () => number): string[] {
  const pieces = (text: string): string[] => {
    const characters = Array.from(text);
    const all: string[] = [];
    while (characters.length > 0) all.push(characters.splice(0, cut()).join(""));
    return all;
  };
  const deltas = (block: Block): object[] => {
    switch (block.type) {
      case "text":
        return pieces(block.text).map((text) => ({ type: "text_delta", text }));
      case "thinking":
        return [
          ...pieces(block.thinking).map((thinking) => ({ type: "thinking_delta", thinking })),
          { type: "signature_delta", signature: block.signature },
        ];
      case "tool_use":
        return ["", ...(Object.keys(block.input).length === 0 ? [] : pieces(JSON.stringify(block.input)))].map((partial_json) => ({
          type: "input_json_delta",
          partial_json,
        }));
      default:
        return [];
    }
  };
  const empty = { text: { text: "" }, thinking: { thinking: "", signature: "" }, redacted_thinking: {}, tool_use: { input: {} } };
  return [
    event("message_start", { message: { id, type: "message", role: "assistant", model: "claude", content: [], usage: {} } }),
    event("ping", {}),
    ...content.flatMap((block, index) => [
      event("content_block_start", { index, content_block: { ...block, ...empty[block.type] } }),
      ...deltas(block).map((delta) => event("content_block_delta", { index, delta })),
      event("content_block_stop", { index }),
    ]),
    event("message_delta", { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 7 } }),
    event("message_stop", {}),
  ];
}

function wholeOf(message: Message) {
  const text = encodeUtf8(JSON.stringify({ type: "message", role: "assistant", model: "claude", ...message }));
  return JSON.parse(decodeUtf8(envelopeOf(text, USAGE)));
}

function chunksOf(text: string): Record<string, unknown>[] {
  expect(text === "" || text.endsWith("\n\n")).toBe(true);
  return decodeUtf8(text)
    .split("\n\n")
    .filter((part) => part !== "")
    .map((part) => {
      expect(part).toStartWith("data: ");
      return part === "data: [DONE]" ? { done: true } : JSON.parse(part.slice("data: ".length));
    });
}

/** What a client of OpenAI's chunks makes of them. */
function gather(chunks: Record<string, unknown>[]) {
  expect(chunks.at(-1)).toEqual({ done: true });
  const answer = { role: "", content: "", reasoning: "", calls: [] as Call[], finish: null as string | null, usage: undefined as unknown };
  for (const chunk of chunks.slice(0, -1)) {
    expect(chunk).toMatchObject({ id: "msg_1", object: "chat.completion.chunk", created: 1_700_000_000, model: "claude" });
    const [choice] = chunk.choices as { index: number; delta: Partial<Answer>; finish_reason: string | null }[];
    expect(choice?.index).toBe(0);
    expect(answer.finish).toBe(null);
    answer.role += choice?.delta.role ?? "";
    answer.content += choice?.delta.content ?? "";
    answer.reasoning += choice?.delta.reasoning_content ?? "";
    for (const { index = 0, ...call } of choice?.delta.tool_calls ?? []) {
      const known = answer.calls[index];
      if (known === undefined) answer.calls[index] = call;
      else known.function.arguments += call.function.arguments;
    }
    answer.finish = choice?.finish_reason ?? null;
    answer.usage = chunk.usage;
  }
  return answer;
}

function message(content: Block[], stop_reason: string | null = "end_turn"): Message {
  return { id: "msg_1", content, stop_reason };
}

const EVERYTHING = message(
  [
    { type: "thinking", thinking: 'Hm, "so"…', signature: "c2ln" },
    { type: "redacted_thinking", data: "eHg=" },
    { type: "text", text: "Grüße 👋\n\ndata: {} \\ \u2028" },
    { type: "tool_use", id: "toolu_1", name: "weather", input: { city: 'Köln "am" Rhein\\', days: [1, 2.5, null] } },
    { type: "text", text: " and " },
    { type: "tool_use", id: "toolu_2", name: "time", input: {} },
  ],
  "tool_use",
);

describe("a whole message", () => {
  test("becomes an envelope with choices, calls and usage", () => {
    expect(wholeOf(EVERYTHING)).toEqual({
      success: true,
      code: "200",
      message: "successful",
      data: {
        id: "msg_1",
        model: "claude",
        choices: [
          {
            index: 0,
            message: {
              role: "assistant",
              content: "Grüße 👋\n\ndata: {} \\ \u2028 and ",
              reasoning_content: 'Hm, "so"…',
              tool_calls: [
                {
                  id: "toolu_1",
                  type: "function",
                  function: { name: "weather", arguments: '{"city":"Köln \\"am\\" Rhein\\\\","days":[1,2.5,null]}' },
                },
                { id: "toolu_2", type: "function", function: { name: "time", arguments: "{}" } },
              ],
            },
            finish_reason: "tool_calls",
          },
        ],
        usage: TOLD,
      },
    });
  });

  test("keeps escapes and numbers as the model's JSON wrote them", () => {
    const text = String.raw`{ "id" : "m", "model":"x", "content": [ {"type":"text","text":"\ud83d\ude00 \u00e9"}, {"type":"tool_\u0075se","id":"t","name":"n","input": {"n":12345678901234567890}} ] , "stop_reason":"tool_use"}`;
    const envelope = envelopeOf(text, USAGE);
    expect(envelope).toMatch(/^[\0-\xff]*$/);
    const [choice] = JSON.parse(envelope).data.choices;
    expect(choice.message.content).toBe("😀 é");
    expect(choice.message.tool_calls[0].function.arguments).toBe('{"n":12345678901234567890}');
  });

  test("without text has null for content beside calls, and an empty string alone", () => {
    const call: Block = { type: "tool_use", id: "t", name: "n", input: {} };
    expect(wholeOf(message([call])).data.choices[0].message.content).toBe(null);
    expect(wholeOf(message([])).data.choices[0].message).toEqual({ role: "assistant", content: "" });
  });

  test.each([
    ["end_turn", "stop"],
    ["stop_sequence", "stop"],
    ["max_tokens", "length"],
    ["tool_use", "tool_calls"],
    ["refusal", "content_filter"],
    ["pause_turn", "pause_turn"],
    ["constructor", "constructor"],
    [null, null],
  ])("that stopped for %p is finished for %p", (reason, finish) => {
    expect(wholeOf(message([], reason)).data.choices[0].finish_reason).toBe(finish);
    const stream = new ChunkStream(1_700_000_000_500);
    expect(gather(chunksOf(stream.push(eventsOf(message([], reason), () => 1).join(""), USAGE))).finish).toBe(finish);
  });
});

describe("a stream", () => {
  const events = eventsOf(EVERYTHING, () => 3);

  test("gives the same chunks at every cut between two events", () => {
    const [choice] = wholeOf(EVERYTHING).data.choices;
    for (let cut = 0; cut <= events.length; cut++) {
      const stream = new ChunkStream(1_700_000_000_999);
      const text = [events.slice(0, cut), events.slice(cut)].map((part) => stream.push(part.join(""), USAGE)).join("");
      expect(gather(chunksOf(text))).toEqual({
        role: "assistant",
        content: choice.message.content,
        reasoning: choice.message.reasoning_content,
        calls: choice.message.tool_calls,
        finish: "tool_calls",
        usage: TOLD,
      });
    }
  });

  test("that breaks off has the text that came, no reason to stop and no end", () => {
    for (let cut = 1; cut < events.length; cut++) {
      const chunks = chunksOf(new ChunkStream(1_700_000_000_000).push(events.slice(0, cut).join(""), USAGE));
      expect(chunks.length).toBeGreaterThan(0);
      for (const chunk of chunks) expect(chunk).toMatchObject({ choices: [{ finish_reason: null }] });
    }
  });

  test("begins with the role, has usage only on the last chunk, and has no chunk for a ping or an unknown event", () => {
    const stream = new ChunkStream(1_700_000_000_000);
    const chunks = chunksOf(stream.push(events.join(""), USAGE));
    expect(chunks[0]?.choices).toEqual([{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }]);
    expect(chunks.filter((chunk) => "usage" in chunk)).toEqual([chunks.at(-2) ?? {}]);
    expect(stream.push(event("ping", {}) + event("news", { text: "x" }), USAGE)).toBe("");
  });

  test("of random messages says what the whole message says", () => {
    let seed = 20261122;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const ALPHABET = ["a", " ", '"', "\\", "\n", "\r", "é", "漢", "😀", "{", "}", "data: ", "[DONE]", "\u0000", "\u2029", ":"];
    const words = (length: number) => Array.from({ length: random(length) }, () => ALPHABET[random(ALPHABET.length)] ?? "").join("");
    const makers: ((index: number) => Block)[] = [
      () => ({ type: "text", text: words(20) }),
      () => ({ type: "thinking", thinking: words(20), signature: "c2ln" }),
      (index) => ({
        type: "tool_use",
        id: `toolu_${index}`,
        name: "tool",
        input: random(3) === 0 ? {} : { [words(4)]: words(9), n: random(1e9) },
      }),
    ];
    for (let round = 0; round < 300; round++) {
      const content = Array.from({ length: random(6) }, (_, index) => makers[random(makers.length)]?.(index)).filter(
        (block) => block !== undefined,
      );
      const told = message(content);
      const stream = new ChunkStream(1_700_000_000_000);
      let text = "";
      const all = eventsOf(told, () => 1 + random(5));
      while (all.length > 0) text += stream.push(all.splice(0, 1 + random(4)).join(""), USAGE);
      const { role, content: written, reasoning, calls, usage } = gather(chunksOf(text));
      const whole: Answer = wholeOf(told).data.choices[0].message;
      expect({ role, written, reasoning, calls, usage }).toEqual({
        role: whole.role,
        written: whole.content ?? "",
        reasoning: whole.reasoning_content ?? "",
        calls: whole.tool_calls ?? [],
        usage: TOLD,
      });
    }
  });
});
