/** Reports of what Bedrock refused through other gateways, each as what is right. */
import { describe, expect } from "bun:test";
import type { Answer, FidelityWorld, Json } from "./world.ts";

const ERROR = (answer: Answer) => (answer.json.error as Json | undefined)?.message as string;
const EPHEMERAL = { type: "ephemeral" };
const TOOL = { name: "look", input_schema: { type: "object", properties: { place: { type: "string" } } } };
const SCHEMA = {
  type: "json_schema",
  schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false },
};

export function specifyBedrockReports(world: FidelityWorld): void {
  const said = (mark: string) => [{ role: "user", content: mark }];

  describe("cache control", () => {
    world.sentence("its scope goes where its beta goes, wherever the scope is, and all other bytes stay (litellm PR#22867)", async () => {
      const scoped = '{"type":"ephemeral" , "scope":"global"}';
      const plain = '{"type":"ephemeral"}';
      const body = (mark: string) =>
        `{"model":"recorded-claude-sonnet-4-5-20250929", "max_tokens":1e2,"system":[{"type":"text","text":"é \\u00e9","cache_control":${mark}}],` +
        `"tools":[{"name":"a","input_schema":{"type":"object","properties":{"scope":{"type":"string"}}},"cache_control":${mark}}],` +
        `"messages":[{"role":"user","content":[{"type":"text","text":"\\"scope\\": 1","cache_control":${mark}}, {"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"x","cache_control":${mark}}]}]}]}`;
      const answer = await world.post("/anthropic/eu/v1/messages", body(scoped), { "anthropic-beta": "prompt-caching-scope-2026-01-05" });
      expect([answer.status, answer.dropped]).toEqual([200, ["cache_control.scope"]]);
      const expected = body(plain)
        .replace('"model":"recorded-claude-sonnet-4-5-20250929", ', "")
        .replace(/\}$/, ',"anthropic_version":"bedrock-2023-05-31"}');
      expect(world.recorder.last().body).toBe(expected);
      const served = await world.messages({
        model: "claude-sonnet-4-5",
        system: [{ type: "text", text: "Be brief.", cache_control: { ...EPHEMERAL, scope: "global" } }],
      });
      expect(served.status).toBe(200);
    });

    world.sentence("a lifetime goes to the models that have it, and is left out for the others", async () => {
      const hour = { system: [{ type: "text", text: "Be brief.", cache_control: { ...EPHEMERAL, ttl: "1h" } }] };
      const newer = await world.messages({ model: "claude-haiku-4-5", ...hour });
      expect([newer.status, newer.dropped]).toEqual([200, []]);
      const older = await world.messages({ model: "claude-sonnet-4-20250514", ...hour });
      expect([older.status, older.dropped]).toEqual([200, ["cache_control.ttl"]]);
      const oldest = await world.messages({ model: "claude-3-haiku-20240307", ...hour });
      expect([oldest.status, oldest.dropped]).toEqual([200, ["cache_control"]]);
    });

    world.sentence("the mark of the top level becomes one on the last block that can bear it (litellm#26320)", async () => {
      const mark = world.mark();
      const answer = await world.messages({ model: "claude-opus-4-8", cache_control: EPHEMERAL, messages: said(mark) });
      expect([answer.status, answer.dropped]).toEqual([200, []]);
      const [call] = world.callsWith(mark);
      expect(call?.body.messages).toEqual([{ role: "user", content: [{ type: "text", text: mark, cache_control: EPHEMERAL }] }]);
      expect(call?.body).not.toHaveProperty("cache_control");
      // Thoughts cannot bear one, and a fifth mark is one too many.
      const marked = { type: "text", text: "x", cache_control: EPHEMERAL };
      const full = await world.messages({
        model: "claude-opus-4-8",
        cache_control: EPHEMERAL,
        messages: [{ role: "user", content: [marked, marked, marked, marked, { type: "text", text: "y" }] }],
      });
      expect([full.status, full.dropped]).toEqual([200, ["cache_control"]]);
    });
  });

  describe("system messages in the middle", () => {
    const talk = (mark: string, ...more: Json[]) => [{ role: "user", content: mark }, { role: "system", content: "Be brief." }, ...more];
    const betas = { "anthropic-beta": "mid-conversation-system-2026-04-07" };

    world.sentence(
      "they move into the user's next turn, marked, for models that do not know the role (litellm PR#32831, #29698)",
      async () => {
        const mark = world.mark();
        const answer = await world.messages({ model: "claude-haiku-4-5", messages: talk(mark, { role: "user", content: "Go on" }) }, betas);
        expect([answer.status, answer.dropped]).toEqual([200, ["messages.role.system"]]);
        const [call] = world.callsWith(mark);
        const note = { type: "text", text: "<system-reminder>\nBe brief.\n</system-reminder>" };
        expect(call?.body.messages).toEqual([
          { role: "user", content: mark },
          { role: "user", content: [note, { type: "text", text: "Go on" }] },
        ]);
      },
    );

    world.sentence("they come after the results of tools, and where nothing follows they are a separate turn", async () => {
      const mark = world.mark();
      const use = { type: "tool_use", id: "t1", name: "look", input: {} };
      const result = { type: "tool_result", tool_use_id: "t1", content: "Fog." };
      const messages = [
        { role: "user", content: mark },
        { role: "assistant", content: [use] },
        {
          role: "system",
          content: [
            { type: "text", text: "One.", cache_control: EPHEMERAL },
            { type: "text", text: "Two." },
          ],
        },
        { role: "user", content: [result, { type: "text", text: "And?" }] },
        { role: "system", content: "Three." },
      ];
      const answer = await world.messages({ model: "claude-sonnet-4-6", tools: [TOOL], messages }, betas);
      expect(answer.status).toBe(200);
      const note = (text: string) => ({ type: "text", text: `<system-reminder>\n${text}\n</system-reminder>` });
      expect(world.callsWith(mark)[0]?.body.messages).toEqual([
        { role: "user", content: mark },
        { role: "assistant", content: [use] },
        { role: "user", content: [result, { ...note("One."), cache_control: EPHEMERAL }, note("Two."), { type: "text", text: "And?" }] },
        { role: "user", content: [note("Three.")] },
      ]);
    });

    world.sentence("from Opus 4.8 on they go as they are", async () => {
      const mark = world.mark();
      const answer = await world.messages({ model: "claude-opus-4-8", messages: talk(mark) }, betas);
      expect([answer.status, answer.dropped]).toEqual([200, []]);
      expect(world.callsWith(mark)[0]?.body.messages).toEqual(talk(mark));
    });

    world.sentence("one that holds more than text is refused by field and model", async () => {
      const content = [{ type: "tool_removal", tool: { type: "tool_reference", name: "look" } }];
      const answer = await world.messages({ model: "claude-haiku-4-5", messages: [...said("Hi"), { role: "system", content }] }, betas);
      expect(answer.status).toBe(400);
      expect(ERROR(answer)).toMatch(/^messages\.1\.content\.0\.type: .*claude-haiku-4-5/);
    });
  });

  describe("flags", () => {
    world.sentence(
      "one that a target refuses is left out of one further try, and of later calls (claude-code#49370, #49648; pi#3290)",
      async () => {
        const ask = async (mark: string) =>
          await world.messages(
            { model: "claude-opus-4-7", context_management: { edits: [] }, messages: said(`[sandbox: no-betas] ${mark}`) },
            { "anthropic-beta": "context-management-2025-06-27" },
          );
        const first = world.mark();
        const answer = await ask(first);
        expect([answer.status, answer.dropped]).toEqual([200, ["context_management"]]);
        expect(world.callsWith(first).map(({ status, body }) => [status, "anthropic_beta" in body, "context_management" in body])).toEqual([
          [400, true, true],
          [200, false, false],
        ]);
        const line = await world.weir.logged(({ cause }) => String(cause).includes("invalid beta flag"));
        expect(line.level).toBe("warn");
        expect(String(line.cause)).toContain('models["claude-opus-4-7"].accepts: { betas: { remove: [context-management-2025-06-27] } }');
        // There are two workers, which take turns: the other one knows it too.
        for (let nth = 0; nth < 8; nth++) {
          const mark = world.mark();
          const { status, dropped } = await ask(mark);
          expect([status, dropped, world.callsWith(mark).length]).toEqual([200, ["context_management"], 1]);
        }
        expect(world.weir.log().filter(({ cause }) => String(cause).includes("invalid beta flag"))).toHaveLength(1);
      },
    );

    world.sentence("a flag that no table has is not sent, and is logged", async () => {
      const mark = world.mark();
      const answer = await world.messages(
        { model: "claude-opus-4-8", messages: said(mark) },
        { "anthropic-beta": "files-api-2025-04-14,claude-code-20250219" },
      );
      expect([answer.status, answer.dropped]).toEqual([200, ["files-api-2025-04-14"]]);
      expect(world.callsWith(mark)[0]?.body).not.toHaveProperty("anthropic_beta");
    });

    world.sentence("a member that Bedrock does not know is left out of one further try, remembered and logged", async () => {
      const ask = async (mark: string) => await world.messages({ model: "claude-opus-5", diagnostics: { level: 1 }, messages: said(mark) });
      const [first, second] = [world.mark(), world.mark()];
      const answer = await ask(first);
      expect([answer.status, answer.dropped]).toEqual([200, ["diagnostics"]]);
      expect(world.callsWith(first).map(({ status }) => status)).toEqual([400, 200]);
      await Promise.all([ask(world.mark()), ask(world.mark())]);
      const known = await ask(second);
      expect([known.status, known.dropped]).toEqual([200, ["diagnostics"]]);
      expect(world.callsWith(second)).toHaveLength(1);
      await world.weir.logged(({ cause }) =>
        String(cause).includes('models["claude-opus-5"].accepts: { fields: { remove: [diagnostics] } }'),
      );
    });
  });

  describe("tools", () => {
    const deferred = (mark: string) => ({
      messages: said(mark),
      tools: [
        { ...TOOL, defer_loading: true },
        { ...TOOL, name: "other" },
      ],
    });

    world.sentence(
      "defer_loading brings its flag where the model has it, by the catalogue's name and not by the ARN (claude-code#82549; litellm PR#36855)",
      async () => {
        const mark = world.mark();
        const answer = await world.messages({ model: "by-arn", ...deferred(mark) });
        expect([answer.status, answer.dropped]).toEqual([200, []]);
        expect(world.callsWith(mark)[0]?.body.anthropic_beta).toEqual(["tool-search-tool-2025-10-19"]);
      },
    );

    world.sentence("defer_loading goes where the model has no search of tools", async () => {
      const mark = world.mark();
      const answer = await world.messages({ model: "by-old-arn", ...deferred(mark) }, { "anthropic-beta": "advanced-tool-use-2025-11-20" });
      expect([answer.status, answer.dropped]).toEqual([200, ["tools.defer_loading"]]);
      expect(world.callsWith(mark)[0]?.body.tools).toEqual([TOOL, { ...TOOL, name: "other" }]);
    });

    world.sentence("strict goes where the model does not take it (lobehub#19876; litellm#33193)", async () => {
      for (const strict of [false, true]) {
        const mark = world.mark();
        const answer = await world.messages({ model: "claude-sonnet-5", messages: said(mark), tools: [{ ...TOOL, strict }] });
        expect([answer.status, answer.dropped]).toEqual([200, ["tools.strict"]]);
        expect(world.callsWith(mark)[0]?.body.tools).toEqual([TOOL]);
      }
      const kept = world.mark();
      const answer = await world.messages({ model: "claude-opus-4-6", messages: said(kept), tools: [{ ...TOOL, strict: true }] });
      expect([answer.status, answer.dropped]).toEqual([200, []]);
      expect(world.callsWith(kept)[0]?.body.tools).toEqual([{ ...TOOL, strict: true }]);
    });

    world.sentence("server tools and tools that the model has not are refused by name", async () => {
      const server = await world.messages({ model: "claude-opus-4-8", tools: [{ type: "web_search_20250305", name: "web_search" }] });
      expect([server.status, ERROR(server)]).toEqual([400, expect.stringMatching(/^tools\.0\.type: the server tool/)]);
      const search = await world.messages({
        model: "claude-haiku-4-5",
        tools: [{ type: "tool_search_tool_regex_20251119", name: "search" }],
      });
      expect([search.status, ERROR(search)]).toEqual([400, expect.stringMatching(/^tools\.0\.type: .*claude-haiku-4-5/)]);
    });
  });

  describe("output", () => {
    world.sentence(
      "an effort is left out and logged, and the format beside it stays, for Haiku and Sonnet 4.5 (claude-code-action#1005; claude-code#51377)",
      async () => {
        for (const model of ["claude-haiku-4-5", "claude-sonnet-4-5"]) {
          const mark = world.mark();
          const answer = await world.messages({ model, output_config: { effort: "high", format: SCHEMA }, messages: said(mark) });
          expect([answer.status, answer.dropped]).toEqual([200, ["output_config.effort"]]);
          expect(world.callsWith(mark)[0]?.body.output_config).toEqual({ format: SCHEMA });
          const alone = await world.messages({ model, output_config: { effort: "high" } });
          expect([alone.status, alone.dropped]).toEqual([200, ["output_config.effort"]]);
        }
      },
    );

    world.sentence("an effort goes as it is from 4.6 on and to Opus 4.5, as far as the model has the level", async () => {
      for (const [model, effort, status] of [
        ["claude-opus-4-6", "max", []],
        ["claude-opus-4-5", "low", []],
        ["claude-opus-4-5", "max", ["output_config.effort"]],
        ["claude-sonnet-4-6", "xhigh", ["output_config.effort"]],
        ["claude-opus-5-5", "xhigh", []],
      ] as const) {
        const answer = await world.messages({ model, output_config: { effort } });
        expect([answer.status, answer.dropped]).toEqual([200, [...status]]);
      }
    });

    world.sentence(
      "a schema goes byte for byte to 4.5 and 4.6, and is refused by field and model for Claude 5 (hindsight#3300; litellm#27846)",
      async () => {
        const odd = '{"type" : "json_schema","schema":{"type":"object","maximum":12345678901234567890 ,"properties":{}}}';
        const body = `{"model":"recorded-claude-opus-4-6","max_tokens":9,"messages":[{"role":"user","content":"x"}],"output_config":{"format":${odd} , "effort":"low"}}`;
        expect((await world.post("/anthropic/eu/v1/messages", body)).status).toBe(200);
        expect(world.recorder.last().body).toContain(`"output_config":{"format":${odd} , "effort":"low"}`);
        for (const model of ["claude-opus-5", "claude-sonnet-5", "claude-opus-4-8"]) {
          const answer = await world.messages({ model, output_config: { format: SCHEMA } });
          expect([answer.status, ERROR(answer)]).toEqual([400, expect.stringMatching(new RegExp(`^output_config\\.format: .*${model}`))]);
        }
        const older = await world.messages({ model: "claude-sonnet-5", output_format: SCHEMA });
        expect([older.status, ERROR(older)]).toEqual([400, expect.stringMatching(/^output_format: /)]);
      },
    );
  });

  describe("thinking", () => {
    world.sentence("of the wrong kind it is refused by field and model, in words that agents look for", async () => {
      const budget = await world.messages({
        model: "claude-opus-4-8",
        max_tokens: 4_000,
        thinking: { type: "enabled", budget_tokens: 2_000 },
      });
      expect([budget.status, ERROR(budget)]).toEqual([
        400,
        expect.stringContaining('"thinking.type.enabled" is not supported for this model'),
      ]);
      expect(ERROR(budget)).toMatch(/^thinking\.type: .*claude-opus-4-8/);
      const adaptive = await world.messages({ model: "claude-haiku-4-5", thinking: { type: "adaptive" } });
      expect([adaptive.status, ERROR(adaptive)]).toEqual([
        400,
        expect.stringMatching(/^thinking\.type: adaptive thinking is not supported on this model.*claude-haiku-4-5/),
      ]);
    });

    world.sentence("signatures that are empty, foreign or changed are refused in the cloud's words, and a true one is taken", async () => {
      const thinking = { type: "enabled", budget_tokens: 1_024 };
      const first = await world.messages({ model: "claude-sonnet-4-5", max_tokens: 4_000, thinking });
      expect(first.status).toBe(200);
      const content = first.json.content as Json[];
      const talk = (blocks: Json[]) => ({
        model: "claude-sonnet-4-5",
        max_tokens: 4_000,
        thinking,
        messages: [...said("Hello"), { role: "assistant", content: blocks }, ...said("Go on")],
      });
      expect((await world.messages(talk(content))).status).toBe(200);
      for (const change of [{ signature: "" }, { thinking: "Something else." }, { signature: "Zm9yZWlnbg==" }]) {
        const answer = await world.messages(talk([{ ...content[0], ...change }, ...content.slice(1)]));
        expect([answer.status, ERROR(answer)]).toEqual([400, expect.stringContaining("Invalid `signature` in `thinking` block")]);
      }
    });
  });

  world.sentence("an application inference profile is in the path as AWS writes it (coder PR#28877)", async () => {
    const mark = world.mark();
    expect((await world.messages({ model: "by-arn", messages: said(mark) })).status).toBe(200);
    expect(world.callsWith(mark)[0]?.path).toBe(
      "/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A123456789012%3Aapplication-inference-profile%2Fopus48/invoke",
    );
  });

  world.sentence("the turns of one session of Claude Code go to one of two accounts (meridian#383; agentgateway#2572)", async () => {
    // The account is chosen by the session's name, so which session goes where is the same in every run.
    const used = new Set<number>();
    for (let nth = 0; nth < 12; nth++) {
      const session = { "x-claude-code-session-id": `0f9e8d7c-${nth}` };
      const mark = `<${world.mark()}>`;
      // No turn has a word in common with the others but the mark: it is the header that keeps them together.
      for (let turn = 0; turn < 4; turn++)
        expect((await world.messages({ model: "two-accounts", messages: said(`${turn} ${mark}`) }, session)).status).toBe(200);
      const shares = [world.sandbox, world.other].map(
        ({ calls }) => calls.recent.filter(({ body }) => JSON.stringify(body)?.includes(mark)).length,
      );
      expect([...shares].sort()).toEqual([0, 4]);
      used.add(shares.indexOf(4));
    }
    expect([...used].sort()).toEqual([0, 1]);
  });

  describe("the configuration", () => {
    world.sentence("widens what a model takes", async () => {
      const cached = { ...EPHEMERAL, scope: "global" };
      const answer = await world.messages(
        { model: "widened", system: [{ type: "text", text: "x", cache_control: cached }] },
        { "anthropic-beta": "files-api-2025-04-14" },
      );
      expect([answer.status, answer.dropped]).toEqual([200, []]);
      const body = JSON.parse(world.recorder.last().body);
      expect([body.anthropic_beta, body.system[0].cache_control]).toEqual([["files-api-2025-04-14"], cached]);
    });

    world.sentence("narrows it, and what needs a flag goes with the flag", async () => {
      const answer = await world.messages(
        { model: "narrowed", context_management: { edits: [] }, output_config: { effort: "low" }, metadata: { user_id: "u" } },
        { "anthropic-beta": "context-management-2025-06-27" },
      );
      expect([answer.status, answer.dropped.sort()]).toEqual([200, ["context_management", "metadata", "output_config.effort"]]);
      expect(Object.keys(JSON.parse(world.recorder.last().body)).sort()).toEqual(["anthropic_version", "max_tokens", "messages"]);
    });
  });

  world.sentence("a guardrail that a client asks for by a header is refused by its name, and never left out in silence", async () => {
    const mark = world.mark();
    const headers = { "X-Amzn-Bedrock-GuardrailIdentifier": "gr-1" };
    const answer = await world.messages({ model: "claude-haiku-4-5", messages: said(mark) }, headers);
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.json)).toContain("x-amzn-bedrock-guardrailidentifier");
    expect(world.callsWith(mark)).toEqual([]);
  });

  world.sentence("what was left out is counted, and logged the first time for each model and name", async () => {
    await Promise.all([1, 2].map(() => world.messages({ model: "claude-fable-5-1", tools: [{ ...TOOL, strict: true }] })));
    const page = await (await fetch(`${world.weir.adminUrl}/metrics`)).text();
    expect(page).toContain('weir_dropped_total{model="claude-fable-5-1",name="tools.strict"} 2');
    const told = () => world.weir.log().filter(({ model, dropped }) => model === "claude-fable-5-1" && dropped === "tools.strict");
    await world.weir.logged(({ model, dropped }) => model === "claude-fable-5-1" && dropped === "tools.strict");
    expect(told()).toHaveLength(1);
  });
}
