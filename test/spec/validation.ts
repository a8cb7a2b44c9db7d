/** What is refused of a request body, and how it is said. The whole of the rules is in the dialects' own tests. */
import { describe, expect } from "bun:test";
import { anthropic, DIALECTS, openai, type Spoken } from "./dialects.ts";
import { expectFailure, type World } from "./world.ts";

type Row = [change: Record<string, unknown>, field: string];

const user = (content: unknown) => ({ messages: [{ role: "user", content }] });

const MISTAKES: Record<Spoken["name"], readonly Row[]> = {
  anthropic: [
    [{ max_tokens: undefined }, "max_tokens"],
    [{ max_tokens: 1.5 }, "max_tokens"],
    [{ max_tokens: -1 }, "max_tokens"],
    [{ model: 7 }, "model"],
    [{ messages: [] }, "messages"],
    [{ messages: [{ role: "robot", content: "x" }] }, "messages.0.role"],
    [{ messages: [{ role: "assistant", content: "x" }] }, "messages.0.role"],
    [{ messages: [{ role: "system", content: "x" }] }, "messages.0.role"],
    [user([{ type: "image", source: { type: "base64", media_type: "image/bmp", data: "" } }]), "messages.0.content.0.source.media_type"],
    [user([{ type: "text" }]), "messages.0.content.0.text"],
    [{ temperature: 1.1 }, "temperature"],
    [{ top_p: 2 }, "top_p"],
    [{ top_k: -2 }, "top_k"],
    [{ stream: "yes" }, "stream"],
  ],
  openai: [
    [{ model: "" }, "model"],
    [{ messages: [] }, "messages"],
    [{ messages: [{ role: "robot", content: "x" }] }, "messages[0].role"],
    [{ messages: [{ role: "tool", content: "x" }] }, "messages[0].tool_call_id"],
    [user([{ type: "image_url", image_url: {} }]), "messages[0].content[0].image_url.url"],
    [{ temperature: 2.1 }, "temperature"],
    [{ top_p: -0.5 }, "top_p"],
    [{ max_tokens: 0 }, "max_tokens"],
    [{ stream: 1 }, "stream"],
    [{ n: 2 }, "n"],
    [{ service_tier: "flex" }, "service_tier"],
    [{ parallel_tool_calls: "no" }, "parallel_tool_calls"],
    [{ stream_options: { include_obfuscation: true } }, "stream_options.include_obfuscation"],
  ],
};

const CURRENT = { "anthropic-version": "2026-10-21" };

export function specifyValidation(world: World): void {
  for (const dialect of DIALECTS) {
    describe(dialect.name, () => {
      world.sentence("each mistake in a body is a 400 that names the field", async () => {
        for (const [change, field] of MISTAKES[dialect.name]) {
          const { message, param } = expectFailure(dialect, await world.ask(dialect, { more: change }), "invalid");
          expect(message).toStartWith(`${field}: `);
          if (dialect === openai) expect(param).toBe(field);
        }
      });

      world.sentence("a body that is not JSON is a 400 that says where it goes wrong and repeats nothing of it", async () => {
        for (const [body, says] of [
          ["", /empty/],
          ["{", /ends in the middle/],
          ['{"model":"prompt-like",\n "messages": nope}', /line 2, column 14/],
          ["[]", /JSON object/],
          ["\u00ef\u00bb\u00bf{}", /.+/],
        ] as const) {
          const { message } = expectFailure(dialect, await world.ask(dialect, { body }), "invalid");
          expect(message).toMatch(says);
          expect(message).not.toContain("nope");
        }
      });

      world.sentence("what Weir reads or edits may not appear twice at the top level", async () => {
        const whole = JSON.stringify(dialect.body("x")).slice(0, -1);
        for (const [field, value] of [
          ["model", '"other"'],
          ["stream", 'true,\n"stream" :false'],
          ["messages", "[]"],
        ] as const) {
          const answered = await world.ask(dialect, { body: `${whole},"${field}":${value}}` });
          expect(expectFailure(dialect, answered, "invalid").message).toContain(`${field}: appears twice`);
        }
      });
    });
  }

  world.sentence("an image by its address is refused on the Bedrock route with the reason", async () => {
    const image = [{ type: "image", source: { type: "url", url: "https://pictures.example/one.png" } }];
    for (const stream of [false, true]) {
      const { message } = expectFailure(anthropic, await world.ask(anthropic, { stream, more: user(image) }), "invalid");
      expect(message).toMatch(/messages\.0\.content\.0.*base64/s);
    }
  });

  world.sentence(
    "anthropic-version 2026-10-21 takes no sampling parameters, and system speaks in the middle of a conversation",
    async () => {
      const sampling = await world.ask(anthropic, { headers: CURRENT, more: { temperature: 1 } });
      expect(expectFailure(anthropic, sampling, "invalid").message).toMatch(/^temperature: /);
      const messages = [
        { role: "user", content: "Hello" },
        { role: "system", content: "Be brief." },
      ];
      const spoken = await world.ask(anthropic, { headers: CURRENT, more: { model: "claude-recorded", messages } });
      expect(spoken.status).toBe(200);
      const unknown = await world.ask(anthropic, { headers: { "anthropic-version": "1999-01-01" } });
      expect(expectFailure(anthropic, unknown, "invalid").message).toStartWith("anthropic-version: ");
    },
  );

  world.sentence("of the four parameters documented as unsupported, what asks for nothing special passes", async () => {
    const { status } = await world.ask(openai, {
      more: { n: 1, service_tier: "auto", parallel_tool_calls: null, stream_options: null, logit_bias: null },
    });
    expect(status).toBe(200);
    const refused = await world.ask(openai, { more: { n: 2 } });
    expect(openai.error(refused.text).code).toBe("unsupported_parameter");
  });
}
