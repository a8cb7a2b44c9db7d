/** What Claude Code asks of a gateway. Source: code.claude.com, "Gateway protocol reference", and reports. */
import { expect } from "bun:test";
import { type FidelityWorld, type Json, KEY } from "./world.ts";

const messageOf = (json: Json) => (json.error as Json | undefined)?.message;

export function specifyAgents(world: FidelityWorld): void {
  const said = (content: string) => [{ role: "user", content }];

  world.sentence(
    "a conversation that is too long is a 400 with the words on which it compacts (claude-code#86507, #6012, #8637)",
    async () => {
      const long = "long ".repeat(220_000);
      for (const stream of [false, true]) {
        const older = await world.messages({ model: "claude-haiku-4-5", stream, messages: said(long) });
        expect([older.status, (older.json.error as Json).type]).toEqual([400, "invalid_request_error"]);
        expect(messageOf(older.json)).toBe("prompt is too long: Input is too long for requested model.");
      }
      const newer = await world.messages({ model: "claude-opus-4-8", messages: said(long.repeat(4)) });
      expect([newer.status, messageOf(newer.json)]).toEqual([
        400,
        expect.stringMatching(/^prompt is too long: \d+ tokens > 1000000 maximum$/),
      ]);
    },
  );

  world.sentence("a model's name with [1m] is the model with its longest window (sub2api PR#4505)", async () => {
    const mark = world.mark();
    const answer = await world.messages({ model: "claude-sonnet-4-5[1m]", messages: said(mark) });
    expect([answer.status, answer.dropped]).toEqual([200, []]);
    expect(world.callsWith(mark)[0]?.body.anthropic_beta).toEqual(["context-1m-2025-08-07"]);
    const native = await world.messages({ model: "claude-opus-4-8[1m]" });
    expect([native.status, native.dropped]).toEqual([200, []]);
    const without = await world.messages({ model: "claude-haiku-4-5[1m]" });
    expect([without.status, without.dropped]).toEqual([200, ["[1m]"]]);
    const large = await world.messages({ model: "claude-sonnet-4-5[1m]", messages: said(`${mark} ${"weir ".repeat(40_000)}`) });
    expect(large.status).toBe(200);
  });

  world.sentence("message_start comes at once, however long the model thinks", async () => {
    const begun = await fetch(`${world.weir.url}/anthropic/eu/v1/messages`, {
      method: "POST",
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
      body: JSON.stringify({
        model: "claude-sonnet-4-5",
        max_tokens: 9,
        stream: true,
        messages: said("[sandbox: tokens=3 stall after=1]"),
      }),
    });
    const reader = begun.body?.getReader();
    const { value } = (await reader?.read()) ?? {};
    expect(Buffer.from(value ?? new Uint8Array()).toString()).toStartWith("event: message_start");
    await reader?.cancel();
  });

  world.sentence("another try is said to be useless where the tokens of a day are used up", async () => {
    const used = await world.chat({ model: "gpt-4o", messages: said("[sandbox: throttle seconds=40000]") });
    expect([used.status, used.headers.get("x-should-retry")]).toEqual([429, "false"]);
    const passing = await world.chat({ model: "gpt-4o", messages: said("[sandbox: throttle seconds=2]") });
    expect([passing.status, passing.headers.get("x-should-retry")]).toEqual([429, null]);
  });

  world.sentence("probes are answered, and models are listed without a redirect for either header", async () => {
    for (const path of ["/", "/api/hello", "/anthropic/eu/api/hello"])
      expect((await fetch(`${world.weir.url}${path}`, { method: "HEAD" })).status).toBe(200);
    for (const headers of [{ authorization: `Bearer ${KEY}` }, { "x-api-key": KEY }] as Record<string, string>[]) {
      const answer = await fetch(`${world.weir.url}/anthropic/eu/v1/models?limit=1000`, { headers, redirect: "error" });
      const { data } = (await answer.json()) as { data: { id: string }[] };
      expect(data.map(({ id }) => id)).toContain("claude-opus-5");
    }
  });

  world.sentence("a system message in the middle needs no flag, as Claude Code 2.1.332 sends it, under either version", async () => {
    for (const version of ["2023-06-01", "2026-10-21"])
      for (const [model, role] of [
        ["claude-opus-4-8", "system"],
        ["claude-haiku-5-5", "system"],
        ["claude-haiku-4-5", "user"],
      ]) {
        const mark = world.mark();
        const messages = [...said(mark), { role: "system", content: "Be brief." }];
        const answer = await world.messages({ model, messages }, { "anthropic-version": version ?? "" });
        expect([model, answer.status, answer.text.slice(0, 0)]).toEqual([model, 200, ""]);
        const sent = world.callsWith(mark)[0]?.body.messages as Json[];
        expect(sent.map((message) => message.role)).toEqual(["user", role]);
      }
  });

  world.sentence("the system prompt goes as it came, with Claude Code's own block first", async () => {
    const mark = world.mark();
    const system = [
      { type: "text", text: "x-anthropic-billing-header: cc_version=2.1.332.7a1; cc_entrypoint=cli;" },
      { type: "text", text: mark, cache_control: { type: "ephemeral" } },
    ];
    for (const model of ["claude-haiku-4-5", "claude-opus-5-5"]) expect((await world.messages({ model, system })).status).toBe(200);
    expect(world.callsWith(mark).map(({ body }) => body.system)).toEqual([system, system]);
  });

  world.sentence("a key in both headers is taken, as a key helper's is sent, and its own headers do no harm", async () => {
    const headers = {
      "x-api-key": KEY,
      "x-claude-code-session-id": "0f9e8d7c",
      "x-claude-code-agent-id": "agent-1",
      "x-claude-code-parent-agent-id": "agent-0",
      "anthropic-future-header": "x",
      "anthropic-dangerous-direct-browser-access": "true",
    };
    expect((await world.messages({ model: "claude-opus-4-8" }, headers)).status).toBe(200);
  });

  world.sentence("tokens are counted at the path that it asks, whatever follows the path", async () => {
    const body = { model: "claude-opus-4-8", messages: [...said("Hello"), { role: "system", content: "Be brief." }] };
    const answer = await world.post("/anthropic/eu/v1/messages/count_tokens?beta=true", body, {
      "anthropic-beta": "token-counting-2024-11-01",
    });
    expect([answer.status, answer.json]).toEqual([200, { input_tokens: expect.any(Number) }]);
  });

  world.sentence("tokens are counted of whatever a call may have that its model does not take", async () => {
    const tool = { name: "look", input_schema: { type: "object", properties: {} } };
    const cached = { type: "text", text: "Be brief.", cache_control: { type: "ephemeral", scope: "global" } };
    for (const more of [
      { system: [cached] },
      { output_config: { effort: "high" } },
      { tools: [{ ...tool, defer_loading: true, strict: true }] },
      { diagnostics: { level: 1 } },
    ]) {
      const answer = await world.post("/anthropic/eu/v1/messages/count_tokens", {
        model: "claude-haiku-4-5",
        messages: said("Hello"),
        ...more,
      });
      expect([answer.status, answer.json]).toEqual([200, { input_tokens: expect.any(Number) }]);
    }
  });

  world.sentence(
    "headers of the cloud's own are refused, and never ignored (bifrost#7206; claude-code#91181; litellm PR#31985)",
    async () => {
      for (const name of [
        "X-Amzn-Bedrock-GuardrailIdentifier",
        "X-Amzn-Bedrock-GuardrailVersion",
        "X-Amzn-Bedrock-Trace",
        "X-Amzn-Bedrock-Service-Tier",
      ]) {
        const mark = world.mark();
        const answer = await world.messages({ model: "claude-opus-4-8", messages: said(mark) }, { [name]: "x" });
        expect([answer.status, messageOf(answer.json)]).toEqual([400, expect.stringContaining(name.toLowerCase())]);
        expect(world.callsWith(mark)).toEqual([]);
      }
    },
  );
}
