/**
 * Answers of the Anthropic protocol in the form of the unified route: an envelope around OpenAI-style choices, or OpenAI-style chunks.
 *
 * The model's text is never decoded: its JSON strings are copied from one text to the other unchanged, so that every character
 * and every number in a tool's arguments stays as it is. What the other form has no place for (signatures of thinking, citations) is left out.
 */
import type { ByteText } from "../../contract/bytes.ts";
import { elements, members } from "../../contract/json.ts";
import type { Usage } from "../../contract/usage.ts";

type Fields = ReadonlyMap<string, ByteText>;

/** Why a model stopped, in the words of OpenAI's clients; other reasons are passed on unchanged. */
const FINISH_REASONS: Readonly<Record<string, string>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  tool_use: "tool_calls",
  refusal: "content_filter",
};

const TEXT = { type: "text", delta: "text_delta", from: "text", to: "content" };
const THINKING = { type: "thinking", delta: "thinking_delta", from: "thinking", to: "reasoning_content" };

/** Most fields and blocks of a message; real ones have a dozen. An upstream could send millions, and each costs more than its bytes. */
const MOST_FIELDS = 1_000;
const MOST_BLOCKS = 10_000;

/** A whole message in its envelope; `usage`: what the upstream reported. */
export function envelopeOf(text: ByteText, usage: Usage): ByteText {
  const message = fieldsOf(text);
  const content = message.get("content") ?? "[]";
  const written: ByteText[] = [];
  const thought: ByteText[] = [];
  const calls: ByteText[] = [];
  for (const { start, end } of elements(content, MOST_BLOCKS)) {
    const block = fieldsOf(content.slice(start, end));
    const type = word(block.get("type"));
    if (type === TEXT.type) written.push(inner(block.get(TEXT.from)));
    else if (type === THINKING.type) thought.push(inner(block.get(THINKING.from)));
    else if (type === "tool_use") calls.push(`{${callText(block, JSON.stringify(block.get("input") ?? "{}"))}}`);
  }
  const answer = [
    `"role":"assistant"`,
    `"content":${written.length === 0 && calls.length > 0 ? "null" : `"${written.join("")}"`}`,
    ...(thought.length === 0 ? [] : [`"reasoning_content":"${thought.join("")}"`]),
    ...(calls.length === 0 ? [] : [`"tool_calls":[${calls.join(",")}]`]),
  ];
  const choice = `{"index":0,"message":{${answer.join(",")}},"finish_reason":${finishReason(message.get("stop_reason"))}}`;
  const data = `{${identity(message)},"choices":[${choice}],"usage":${usageText(usage)}}`;
  return `{"success":true,"code":"200","message":"successful","data":${data}}`;
}

/** Turns a stream of events into chunks. */
export class ChunkStream {
  readonly #created: number;
  #head = "";
  #finish: ByteText = "null";
  /** Tool calls by the index of their block: the number of the call, and whether any of its arguments was sent. */
  readonly #calls = new Map<ByteText, { index: number; begun: boolean }>();

  /** `nowMs`: the time of the chunks, in milliseconds since 1970. */
  constructor(nowMs: number) {
    this.#created = Math.floor(nowMs / 1000);
  }

  /** Takes whole events; returns whole chunks, or "" where the events have no text for the client. `usage`: as reported up to the last of these events. */
  push(text: ByteText, usage: Usage): ByteText {
    let chunks = "";
    for (const line of text.split("\n")) {
      if (line.startsWith("data: ")) chunks += this.#event(fieldsOf(line.slice("data: ".length)), usage);
    }
    return chunks;
  }

  #event(event: Fields, usage: Usage): ByteText {
    switch (word(event.get("type"))) {
      case "message_start":
        return this.#start(fieldsOf(event.get("message") ?? ""));
      case "content_block_start":
        return this.#block(event.get("index") ?? "", fieldsOf(event.get("content_block") ?? ""));
      case "content_block_delta":
        return this.#delta(event.get("index") ?? "", fieldsOf(event.get("delta") ?? ""));
      case "content_block_stop":
        return this.#blockEnd(event.get("index") ?? "");
      case "message_delta":
        this.#finish = finishReason(fieldsOf(event.get("delta") ?? "").get("stop_reason"));
        return "";
      case "message_stop":
        return `${this.#chunk("", this.#finish, `,"usage":${usageText(usage)}`)}data: [DONE]\n\n`;
      default:
        return "";
    }
  }

  #start(message: Fields): ByteText {
    this.#head = `${identity(message)},"object":"chat.completion.chunk","created":${this.#created}`;
    return this.#chunk(`"role":"assistant","content":""`);
  }

  /** A block is empty at its beginning; if it has content, the content is sent too. */
  #block(index: ByteText, block: Fields): ByteText {
    const type = word(block.get("type"));
    if (type === "tool_use") {
      const input = block.get("input") ?? "{}";
      const begun = members(input).length > 0;
      const call = { index: this.#calls.size, begun };
      this.#calls.set(index, call);
      return this.#chunk(`"tool_calls":[{"index":${call.index},${callText(block, begun ? JSON.stringify(input) : '""')}}]`);
    }
    const kind = [TEXT, THINKING].find((candidate) => candidate.type === type);
    return kind === undefined ? "" : this.#say(kind.to, block.get(kind.from));
  }

  #delta(index: ByteText, delta: Fields): ByteText {
    const type = word(delta.get("type"));
    if (type === "input_json_delta") return this.#argue(index, inner(delta.get("partial_json")));
    const kind = [TEXT, THINKING].find((candidate) => candidate.delta === type);
    return kind === undefined ? "" : this.#say(kind.to, delta.get(kind.from));
  }

  /** A tool without arguments is called with an empty text, and that is not JSON. */
  #blockEnd(index: ByteText): ByteText {
    return this.#calls.get(index)?.begun === false ? this.#argue(index, "{}") : "";
  }

  #say(name: string, value: ByteText | undefined): ByteText {
    const text = inner(value);
    return text === "" ? "" : this.#chunk(`"${name}":"${text}"`);
  }

  #argue(index: ByteText, text: ByteText): ByteText {
    const call = this.#calls.get(index);
    if (call === undefined || text === "") return "";
    call.begun = true;
    return this.#chunk(`"tool_calls":[{"index":${call.index},"function":{"arguments":"${text}"}}]`);
  }

  #chunk(delta: ByteText, finish = "null", more = ""): ByteText {
    return `data: {${this.#head},"choices":[{"index":0,"delta":{${delta}},"finish_reason":${finish}}]${more}}\n\n`;
  }
}

function fieldsOf(text: ByteText): Fields {
  return new Map(members(text, MOST_FIELDS).map(({ key, start, end }) => [key, text.slice(start, end)]));
}

/** A string's characters between its quotes, as JSON writes them; "" for any other value. */
function inner(json: ByteText | undefined): ByteText {
  return json?.startsWith('"') ? json.slice(1, -1) : "";
}

/** A string of plain words, such as a type. Events that a reader passes on unchanged were not parsed, so `json` may not be JSON. */
function word(json: ByteText | undefined): string {
  const written = inner(json);
  if (!written.includes("\\")) return written;
  try {
    return String(JSON.parse(`"${written}"`));
  } catch {
    return "";
  }
}

function finishReason(stopReason: ByteText | undefined): ByteText {
  const reason = word(stopReason);
  const known = Object.hasOwn(FINISH_REASONS, reason) ? FINISH_REASONS[reason] : undefined;
  return known === undefined ? (stopReason ?? "null") : `"${known}"`;
}

function identity(message: Fields): ByteText {
  return `"id":${message.get("id") ?? '""'},"model":${message.get("model") ?? '""'}`;
}

function callText(block: Fields, args: ByteText): ByteText {
  return `"id":${block.get("id") ?? '""'},"type":"function","function":{"name":${block.get("name") ?? '""'},"arguments":${args}}`;
}

/** Usage under OpenAI's names; the prompt includes tokens that were read from or written to a cache. */
function usageText({ input, output, cacheRead, cacheWrite, cacheWriteHour, reasoning }: Usage): ByteText {
  const prompt = input + cacheRead + cacheWrite;
  return JSON.stringify({
    prompt_tokens: prompt,
    completion_tokens: output,
    total_tokens: prompt + output,
    prompt_tokens_details: {
      cached_tokens: cacheRead,
      ...(cacheWrite > 0 ? { cache_write_5m_tokens: cacheWrite - cacheWriteHour, cache_write_1h_tokens: cacheWriteHour } : {}),
    },
    ...(reasoning > 0 ? { completion_tokens_details: { reasoning_tokens: reasoning } } : {}),
  });
}
