/** What passes through untouched, and the few things that do not. */
import { expect } from "bun:test";
import { eventsOf } from "./client.ts";
import { anthropic, openai } from "./dialects.ts";
import { COMPLETION, MESSAGE, ODD_CHUNK, ODD_EVENT, ODD_MEMBERS } from "./recorder.ts";
import { MARKER, type World } from "./world.ts";

const MESSAGES = `[ {"role" : "user","content":"${MARKER} caf\\u00e9 é 日本 😀 \\ud83d\\ude00 \\/ 1.0"} ]`;

/** `model` and `stream` in the midst, white space in unusual places, numbers that JavaScript cannot hold. */
function oddBody(model: string, stream: boolean): string {
  return `\n{ "max_tokens":1e2,  "model" :"${model}"\t, "messages":${MESSAGES},"stream":${stream} ,\r\n ${ODD_MEMBERS}\n}\n`;
}

export function specifyFidelity(world: World): void {
  for (const stream of [false, true]) {
    const how = stream ? "streaming" : "not streaming";

    world.sentence(`Bedrock receives the body as it was written, without model and stream, with its own version (${how})`, async () => {
      const answered = await world.ask(anthropic, { body: oddBody("claude-recorded", stream) });
      expect(answered.status).toBe(200);
      const { body, path } = world.recorder.last();
      expect(body).toContain(`"messages":${MESSAGES}`);
      expect(body).toContain(ODD_MEMBERS);
      expect(body).toContain('"max_tokens":1e2');
      expect(Object.keys(JSON.parse(body)).sort()).toEqual(["anthropic_version", "max_tokens", "messages", "x_future"]);
      expect(JSON.parse(body).anthropic_version).toBe("bedrock-2023-05-31");
      expect(decodeURIComponent(path)).toBe(
        `/model/anthropic.claude-3-haiku-20240307-v1:0/${stream ? "invoke-with-response-stream" : "invoke"}`,
      );
    });

    world.sentence(`Azure receives the body as it was written, with the deployment as its model (${how})`, async () => {
      const answered = await world.ask(openai, { body: oddBody("gpt-recorded", stream) });
      expect(answered.status).toBe(200);
      const { body } = world.recorder.last();
      const expected = oddBody("gpt-4o-recorded", stream);
      if (!stream) expect(body).toBe(expected);
      else {
        expect(body.replace(/,?"stream_options":\{"include_usage":true\}/, "")).toBe(expected);
        expect(JSON.parse(body).stream_options).toEqual({ include_usage: true });
      }
    });
  }

  world.sentence("an Anthropic answer comes back as the upstream wrote it, its model named as the client did", async () => {
    const answered = await world.ask(anthropic, { body: oddBody("claude-recorded", false) });
    expect(answered.text).toBe(MESSAGE.replace('"model":"claude-3-haiku-20240307"', '"model":"claude-recorded"'));
    expect(answered.headers.get("content-type")).toBe("application/json");
  });

  world.sentence("an OpenAI answer comes back as the upstream wrote it", async () => {
    expect((await world.ask(openai, { body: oddBody("gpt-recorded", false) })).text).toBe(COMPLETION);
  });

  world.sentence("an event of an unknown kind comes through as it was written", async () => {
    const events = eventsOf((await world.ask(anthropic, { body: oddBody("claude-recorded", true) })).text);
    expect(events).toContainEqual({ event: "x_future_event", data: ODD_EVENT });
    expect(JSON.parse(events[0]?.data ?? "").message.model).toBe("claude-recorded");
    const chunks = eventsOf((await world.ask(openai, { body: oddBody("gpt-recorded", true) })).text);
    expect(chunks[0]).toEqual({ event: "", data: ODD_CHUNK });
    expect(chunks.at(-1)?.data).toBe("[DONE]");
  });

  world.sentence("a client's credentials, cookies and addresses never reach the upstream", async () => {
    const headers = { cookie: "session=weir", "x-forwarded-for": "192.0.2.7", "x-stainless-lang": "js", "x-api-key": "placeholder" };
    for (const [dialect, model] of [
      [anthropic, "claude-recorded"],
      [openai, "gpt-recorded"],
    ] as const) {
      await world.ask(dialect, { headers, more: { model } });
      const received = JSON.stringify(world.recorder.last().headers);
      for (const secret of ["weir_spec", "session=weir", "192.0.2.7", "placeholder"]) expect(received).not.toContain(secret);
    }
  });

  world.sentence("LangChain's -1 for top_k and top_p is taken out; 0 stays", async () => {
    await world.ask(anthropic, { more: { model: "claude-recorded", top_k: -1, top_p: -1, temperature: 1 } });
    expect(Object.keys(JSON.parse(world.recorder.last().body)).sort()).toEqual([
      "anthropic_version",
      "max_tokens",
      "messages",
      "temperature",
    ]);
    await world.ask(anthropic, { more: { model: "claude-recorded", top_k: 0, top_p: 0 } });
    expect(JSON.parse(world.recorder.last().body)).toMatchObject({ top_k: 0, top_p: 0 });
    await world.ask(openai, { more: { model: "gpt-recorded", top_p: -1 } });
    expect(JSON.parse(world.recorder.last().body)).not.toHaveProperty("top_p");
  });

  world.sentence("betas that Bedrock takes move from the header to the body; others are left out", async () => {
    const headers = { "anthropic-beta": "interleaved-thinking-2025-05-14, files-api-2025-04-14,context-1m-2025-08-07" };
    await world.ask(anthropic, { headers, more: { model: "claude-newer-recorded" } });
    const { body, headers: received } = world.recorder.last();
    expect(JSON.parse(body).anthropic_beta).toEqual(["interleaved-thinking-2025-05-14", "context-1m-2025-08-07"]);
    expect(received).not.toHaveProperty("anthropic-beta");
    expect(received).not.toHaveProperty("anthropic-version");
    await world.ask(anthropic, { headers: { "anthropic-beta": "files-api-2025-04-14" }, more: { model: "claude-recorded" } });
    expect(JSON.parse(world.recorder.last().body)).not.toHaveProperty("anthropic_beta");
  });

  world.sentence("stream_options goes to Azure on streams alone", async () => {
    await world.ask(openai, { more: { model: "gpt-recorded", stream: false, stream_options: { include_usage: true } } });
    expect(JSON.parse(world.recorder.last().body)).not.toHaveProperty("stream_options");
    await world.ask(openai, { more: { model: "gpt-recorded", stream: true, stream_options: { include_usage: false } } });
    expect(JSON.parse(world.recorder.last().body).stream_options).toEqual({ include_usage: true });
  });
}
