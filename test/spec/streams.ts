/** Streams. */
import { describe, expect } from "bun:test";
import { type Call, eventsOf } from "./client.ts";
import { anthropic, DIALECTS, openai, type Spoken } from "./dialects.ts";
import { expectIds, type World } from "./world.ts";

const TEXT = 'plain, café, naïve — 日本語のテキスト, 한국어, русский, 😀👩‍👩‍👧‍👦🇪🇺, "quotes" \\backslash/ \u2028 \ttab\nline\r\nend';
/** Each writes the same answer in pieces of that many bytes. */
const CUTS = [1, 2, 3, 5, 7, 11, 64];

/** How a stream can break after its first byte, with the error that the client gets. */
const BREAKS: readonly { how: string; prompt: string; model?: string; only?: Spoken["name"]; type: Record<Spoken["name"], string> }[] = [
  { how: "an exception", prompt: "[sandbox: tokens=9 exception after=3]", type: { anthropic: "", openai: "" } },
  {
    how: "a connection that is cut in the middle of an event",
    prompt: "[sandbox: tokens=9 cut after=3]",
    type: { anthropic: "api_error", openai: "server_error" },
  },
  {
    how: "an end without the last event",
    prompt: "[sandbox: tokens=9 truncate]",
    // A chat completion whose choice has said why it ended is whole: it is given its [DONE].
    only: "anthropic",
    type: { anthropic: "api_error", openai: "server_error" },
  },
  {
    how: "an end in the midst of the text",
    prompt: "[sandbox: tokens=9 truncate after=3]",
    type: { anthropic: "api_error", openai: "server_error" },
  },
  { how: "a corrupt frame", prompt: "[sandbox: tokens=9 corrupt after=3]", type: { anthropic: "api_error", openai: "server_error" } },
  {
    how: "silence",
    prompt: "[sandbox: tokens=9 stall after=3]",
    model: "hasty",
    type: { anthropic: "timeout_error", openai: "server_error" },
  },
];

/** Streams that are silent for longer than the keep-alive's 15 seconds: begun with the specification, looked at by its last sentence. */
const QUIET_MS = 15_600;

export class QuietStreams {
  readonly #world: World;
  #streams = new Map<Spoken, Call>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Resolves once all of them have begun, so that they are not mistaken for the calls of a sentence. */
  async begin(): Promise<void> {
    for (const dialect of DIALECTS) {
      const call = this.#world.open(dialect, { stream: true, prompt: `[sandbox: quiet ms=${QUIET_MS} after=2 tokens=6]` });
      this.#streams.set(dialect, call);
      await call.head;
    }
  }

  specify(): void {
    for (const dialect of DIALECTS) {
      this.#world.sentence(
        `${dialect.name}: a stream that has been silent for 15 seconds is kept alive, and is whole in the end`,
        async () => {
          const answered = await this.#streams.get(dialect)?.answered;
          const text = answered?.text ?? "";
          const alive = eventsOf(text).filter(({ event, data }) =>
            dialect === anthropic ? event === "ping" && data.includes('"ping"') : event === ":",
          );
          // The sandbox may send a first one at the start, as the vendor does.
          expect(alive.length).toBeGreaterThanOrEqual(1);
          const lastText = text.lastIndexOf(dialect === anthropic ? "text_delta" : '"content":');
          expect(text.indexOf(dialect === anthropic ? "event: ping" : ": ping")).toBeLessThan(lastText);
          expect(dialect.isComplete(text)).toBe(true);
          expect(dialect.streamedText(text)).toBe(" the weir is low and the");
        },
        QUIET_MS + 10_000,
      );
    }
  }
}

export function specifyStreams(world: World): void {
  for (const dialect of DIALECTS) describe(dialect.name, () => specifyDialect(world, dialect));
  specifyAnthropic(world);
  specifyOpenai(world);
}

function specifyDialect(world: World, dialect: Spoken): void {
  world.sentence("a stream has the headers that keep proxies from gathering it", async () => {
    const answered = await world.ask(dialect, { stream: true });
    expect(answered.status).toBe(200);
    expect(answered.headers.get("content-type")).toStartWith("text/event-stream");
    expect(answered.headers.get("cache-control")).toContain("no-cache");
    expect(answered.headers.get("x-accel-buffering")).toBe("no");
    expectIds(answered);
    expect(answered.whole).toBe(true);
    expect(dialect.isComplete(answered.text)).toBe(true);
  });

  world.sentence("the text arrives byte for byte, wherever the network cuts it, and is the one of the whole answer", async () => {
    const whole = await world.ask(dialect, { prompt: `[sandbox: echo] ${TEXT}` });
    expect(dialect.textOf(whole.text)).toBe(TEXT);
    for (const bytes of CUTS) {
      const [streamed, gathered] = await Promise.all(
        [true, false].map((stream) => world.ask(dialect, { stream, prompt: `[sandbox: shred bytes=${bytes} echo] ${TEXT}` })),
      );
      expect([bytes, dialect.streamedText(streamed?.text ?? "")]).toEqual([bytes, TEXT]);
      expect([bytes, dialect.textOf(gathered?.text ?? "")]).toEqual([bytes, TEXT]);
    }
  });

  world.sentence("the first events come while the upstream is still thinking about the next", async () => {
    const call = world.open(dialect, { stream: true, prompt: "[sandbox: pace=0 tokens=50 stall after=3]" });
    await call.until((text) => dialect.streamedText(text) === " the weir is");
    expect(await call.head).toBe(200);
    call.leave();
  });

  for (const { how, prompt, model, only = dialect.name, type } of BREAKS) {
    if (only !== dialect.name) continue;
    world.sentence(`after the first byte, ${how} ends the stream with an error event and never as if it were complete`, async () => {
      const more = model === undefined ? {} : { model: `${dialect.family}-${model}` };
      const answered = await world.ask(dialect, { stream: true, prompt, more });
      expect(answered.status).toBe(200);
      expect(answered.whole).toBe(true);
      const error = dialect.streamedError(answered.text);
      expect(error?.message).toBeString();
      if (type[dialect.name] !== "") expect(error?.type).toBe(type[dialect.name]);
      expect(dialect.isComplete(answered.text)).toBe(false);
      const expected = prompt.includes("after=3") ? " the weir is" : " the weir is low and the river runs";
      expect(dialect.streamedText(answered.text)).toBe(expected);
      world.expectLine(answered, { outcome: expect.stringMatching(/^upstream_/), first_byte_ms: expect.any(Number), stream: true });
    });
  }
}

function specifyAnthropic(world: World): void {
  world.sentence("anthropic: every event has its name, in the protocol's order, and the model is the one that was asked for", async () => {
    const events = eventsOf((await world.ask(anthropic, { stream: true, prompt: "[sandbox: tokens=3]" })).text).filter(
      ({ event }) => event !== "ping",
    );
    for (const { event, data } of events) expect(JSON.parse(data).type).toBe(event);
    expect(events.map(({ event }) => event)).toEqual([
      "message_start",
      "content_block_start",
      ...Array(3).fill("content_block_delta"),
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    const { message } = JSON.parse(events[0]?.data ?? "");
    expect(message.model).toBe("claude");
    expect(message.usage.input_tokens).toBeGreaterThan(0);
    expect(JSON.parse(events.at(-2)?.data ?? "").usage.output_tokens).toBe(3);
    // Bedrock's own figures are for the log.
    expect(JSON.parse(events.at(-1)?.data ?? "")).toEqual({ type: "message_stop" });
  });

  world.sentence("anthropic: an exception in the middle has the type of its kind", async () => {
    for (const [name, type] of [
      ["throttlingException", "rate_limit_error"],
      ["serviceUnavailableException", "overloaded_error"],
      ["modelTimeoutException", "timeout_error"],
      ["internalServerException", "api_error"],
    ]) {
      const { text } = await world.ask(anthropic, { stream: true, prompt: `[sandbox: tokens=9 exception type=${name} after=2]` });
      expect([name, anthropic.streamedError(text)?.type]).toEqual([name, type]);
    }
  });
}

function specifyOpenai(world: World): void {
  const chunks = async (prompt: string, more: Record<string, unknown> = {}) => {
    const { text } = await world.ask(openai, { stream: true, prompt, more });
    return eventsOf(text)
      .filter(({ data }) => data !== "[DONE]")
      .map(({ data }) => JSON.parse(data));
  };

  world.sentence("openai: the usage is asked for upstream, shown to those who asked and hidden from those who did not", async () => {
    const asked = await chunks("[sandbox: tokens=3]", { stream_options: { include_usage: true } });
    expect(asked.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 3 } });
    for (const more of [{}, { stream_options: null }, { stream_options: { include_usage: false } }]) {
      const hidden = await chunks("[sandbox: tokens=3]", more);
      expect(hidden.every((chunk) => chunk.choices.length === 1)).toBe(true);
      expect(hidden.some((chunk) => chunk.usage)).toBe(false);
    }
    const { text } = await world.ask(openai, { prompt: "[sandbox: tokens=3]" });
    expect(JSON.parse(text).usage.completion_tokens).toBe(3);
  });

  world.sentence("openai: the content filter's own chunks never break a reader: each has a choice with a delta", async () => {
    for (const prompt of ["[sandbox: tokens=12]", "[sandbox: tokens=12 async-filter]", "[sandbox: tokens=12 filter after=4]"]) {
      const all = await chunks(prompt);
      for (const chunk of all) {
        expect(chunk.object).toBe("chat.completion.chunk");
        expect(chunk.id).not.toBe("");
        for (const choice of chunk.choices) expect(choice.delta).toBeObject();
      }
      const end = all.flatMap((chunk) => chunk.choices).find((choice) => choice.finish_reason);
      expect(end.finish_reason).toBe(prompt.includes("filter after") ? "content_filter" : "stop");
    }
  });
}
