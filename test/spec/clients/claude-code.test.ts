/**
 * Claude Code of half a year ago, by its requests: headers and fields as version 2.1.197 was recorded to send them, texts and tools shortened. The newest
 * is in `recorded.test.ts`.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Gateway, startGateway } from "./gateway.ts";

const CLASSIC_BETAS =
  "claude-code-20250219,interleaved-thinking-2025-05-14,thinking-token-count-2026-05-13,context-management-2025-06-27,prompt-caching-scope-2026-01-05";

/** Newer models think adaptively, take an effort, and get agents and skills in a system message after the user's first message. */
const RECORDED = [
  {
    model: "claude-haiku-4-5",
    betas: CLASSIC_BETAS,
    fields: { thinking: { type: "enabled", budget_tokens: 31_999 }, max_tokens: 32_000 },
    roles: ["user"],
  },
  {
    model: "claude-sonnet-5",
    betas: `${CLASSIC_BETAS},mid-conversation-system-2026-04-07,effort-2025-11-24`,
    fields: { thinking: { type: "adaptive" }, output_config: { effort: "high" }, max_tokens: 64_000 },
    roles: ["user", "system"],
  },
];

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
}, 30_000);
afterAll(() => gateway.stop());

for (const { model, betas, fields, roles } of RECORDED) {
  test(`a turn of Claude Code with ${model} is streamed`, async () => {
    const mark = `claude-code-${model}`;
    const cached = { cache_control: { type: "ephemeral" } };
    const answer = await fetch(`${gateway.url}/anthropic/eu/v1/messages?beta=true`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${gateway.key}`,
        "anthropic-version": "2023-06-01",
        "anthropic-beta": betas,
        "content-type": "application/json",
        "user-agent": "claude-cli/2.1.197 (external, sdk-cli)",
        "x-app": "cli",
      },
      body: JSON.stringify({
        model,
        messages: roles.map((role) => ({ role, content: [{ type: "text", text: `[sandbox: text] <${mark}> Hello`, ...cached }] })),
        system: [
          { type: "text", text: "x-anthropic-billing-header: cc_version=2.1.197; cc_entrypoint=sdk-cli;" },
          { type: "text", text: "You are an interactive agent.", ...cached },
        ],
        tools: [
          {
            name: "Bash",
            description: "Runs a command.",
            input_schema: {
              $schema: "https://json-schema.org/draft/2020-12/schema",
              type: "object",
              properties: { command: { type: "string" } },
            },
          },
        ],
        metadata: { user_id: '{"device_id":"0","account_uuid":"","session_id":"0"}' },
        context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
        stream: true,
        ...fields,
      }),
    });
    const text = await answer.text();
    expect(`${answer.status} ${answer.status === 200 ? "" : text}`).toBe("200 ");
    expect([...text.matchAll(/^event: (\w+)$/gm)].map(([, event]) => event)).toEqual(
      expect.arrayContaining(["message_start", "message_stop"]),
    );
    expect(text).toContain('"type":"thinking_delta"');
    const [call] = gateway.callsOf(mark);
    expect(call?.status).toBe(200);
    // Bedrock fails a request for any beta that it does not know.
    expect(JSON.stringify(call?.body)).not.toContain("claude-code-20250219");
  });
}
