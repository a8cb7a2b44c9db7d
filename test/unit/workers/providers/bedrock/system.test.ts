/** System messages in the middle of a conversation, what they may hold, and references to tools: as each model takes them, with every other byte unchanged. */
import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../../../../src/contract/errors.ts";
import { bedrockBody } from "../../../../../workers/providers/bedrock/body.ts";
import { BedrockLessons } from "../../../../../workers/providers/bedrock/lessons.ts";
import { takesOf } from "../../../../../workers/providers/bedrock/takes.ts";
import { acceptsOf, job } from "../upstream.ts";

const LATEST = "claude-opus-5-5";
/** This model knows the role, and takes an effort only for the whole conversation. */
const EIGHT = "claude-opus-4-8";
const OLDER = "claude-haiku-4-5-20251001";
const EFFORT = "mid-conversation-output-config-2026-07-01";
const CLEAR_AT = "mid-conversation-system-clear-at-2026-08-21";
const CHANGES = "mid-conversation-tool-changes-2026-07-01";
const SEARCH = "tool-search-tool-2025-10-19";

/** What Bedrock gets for these messages and these further members of the body. */
function edit(model: string, messages: string, { betas = "", more = "" } = {}) {
  const { body, dropped } = bedrockBody(
    { body: `{"messages":${messages}${more}}`, hints: `2023-06-01\n${betas}` },
    takesOf(acceptsOf("bedrock", model)),
  );
  const sent = JSON.parse(body) as { anthropic_beta?: string[]; messages: unknown };
  return { text: body, messages: sent.messages, betas: sent.anthropic_beta ?? [], dropped };
}

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown.detail.message;
    throw thrown;
  }
  throw new Error("it was not refused");
}

const user = (content: unknown) => ({ role: "user", content });
const assistant = (content: unknown) => ({ role: "assistant", content });
const system = (content: unknown, more: object = {}) => ({ role: "system", content, ...more });
const written = (...messages: object[]) => JSON.stringify(messages);
const noted = (text: string) => ({ type: "text", text: `<system-reminder>\n${text}\n</system-reminder>` });
const LOW = { output_config: { effort: "low" } };
const ONCE = { clear_at: "next_user_message" };

describe("an effort for one message", () => {
  const talk = written(user("a"), assistant("b"), system([], LOW), user("c"));

  test("brings its flag where the model has it", () => {
    expect(edit(LATEST, talk)).toMatchObject({ betas: [EFFORT], dropped: "", messages: JSON.parse(talk) });
  });

  test("Claude Code's own name of the flag is Bedrock's", () => {
    expect(edit(LATEST, talk, { betas: "per-turn-control-2026-07-01" })).toMatchObject({ betas: [EFFORT], dropped: "" });
    expect(edit(EIGHT, written(user("a")), { betas: "per-turn-control-2026-07-01" })).toMatchObject({ betas: [], dropped: "" });
  });

  test("is left out and reported for other models, together with a message that says nothing else", () => {
    const spaced =
      ' [ {"role":"user","content":"a"} , {"role":"system","content":[],"output_config":{"effort":"low"}},\n{"content":"é","role":"user"}] ';
    expect(edit(EIGHT, spaced)).toMatchObject({
      betas: [],
      dropped: "messages.output_config",
      text: '{"messages": [ {"role":"user","content":"a"},\n{"content":"é","role":"user"}],"anthropic_version":"bedrock-2023-05-31" }',
    });
    expect(edit(EIGHT, written(system("", LOW), user("a"))).messages).toEqual([user("a")]);
    expect(edit(EIGHT, written(user("a"), system("Be brief.", LOW))).messages).toEqual([user("a"), system("Be brief.")]);
  });

  test("is left out together with the role, where the model does not know the role", () => {
    expect(edit(OLDER, talk)).toMatchObject({
      dropped: "messages.role.system, messages.output_config",
      messages: [user("a"), assistant("b"), user("c")],
    });
  });
});

describe("a message for one turn", () => {
  const first = written(user("a"), system("Be brief.", ONCE));
  const later = written(user("a"), system("Be brief.", ONCE), assistant("b"), user("c"), system("Be long.", ONCE));

  test("brings its flag where the model has it", () => {
    for (const model of [LATEST, EIGHT])
      expect(edit(model, later)).toMatchObject({ betas: [CLEAR_AT], dropped: "", messages: JSON.parse(later) });
  });

  test("is seen for that turn only, where the model knows the role and not the flag", () => {
    const lessons = new BedrockLessons("bedrock-eu");
    const one = job({ accepts: acceptsOf("bedrock", EIGHT), model: EIGHT });
    expect(lessons.learn(one, "messages.1.clear_at: Extra inputs are not permitted")?.line).toContain(
      "fields: { remove: [messages.clear_at] }",
    );
    const narrowed = (messages: string) => {
      const { body, dropped } = bedrockBody({ body: `{"messages":${messages}}`, hints: "2023-06-01\n" }, lessons.takes(one));
      return { messages: JSON.parse(body).messages, dropped };
    };
    expect(narrowed(first)).toEqual({ messages: [user("a"), system("Be brief.")], dropped: "messages.clear_at" });
    expect(narrowed(later)).toEqual({ messages: [user("a"), assistant("b"), user("c"), system("Be long.")], dropped: "messages.clear_at" });
    expect(narrowed(written(user("a"), system("Always.", { clear_at: "never" })))).toEqual({
      messages: [user("a"), system("Always.")],
      dropped: "",
    });
  });

  test("is moved into the user's turn only as long as that turn lasts", () => {
    expect(edit(OLDER, first).messages).toEqual([user("a"), user([noted("Be brief.")])]);
    expect(edit(OLDER, later).messages).toEqual([user("a"), assistant("b"), user("c"), user([noted("Be long.")])]);
  });
});

describe("changes of tools", () => {
  const change = { type: "tool_removal", tool: { type: "tool_reference", name: "look" } };
  const talk = written(user("a"), system([{ type: "text", text: "Be brief." }, change]));

  test("bring their flag where the model has it", () => {
    for (const model of [LATEST, EIGHT])
      expect(edit(model, talk)).toMatchObject({ betas: [CHANGES], dropped: "", messages: JSON.parse(talk) });
  });

  test("are refused, with their place, where the model has no such flag: without them it would have other tools", () => {
    const narrowed = takesOf(acceptsOf("bedrock", EIGHT));
    const takes = { ...narrowed, betas: new Set([...narrowed.betas].filter((flag) => flag !== CHANGES)) };
    expect(refusal(() => bedrockBody({ body: `{"messages":${talk}}`, hints: "2023-06-01\n" }, takes))).toStartWith(
      `messages.1.content.1.type: changes of tools in the middle of a conversation are not available for the model ${EIGHT}`,
    );
    expect(refusal(() => edit(OLDER, talk))).toStartWith("messages.1.content.1.type: ");
  });
});

describe("references to tools", () => {
  const mark = { type: "ephemeral" };
  const result = (...content: object[]) => user([{ type: "tool_result", tool_use_id: "t1", content }]);
  const found = (...content: object[]) =>
    written(user("a"), assistant([{ type: "tool_use", id: "t1", name: "ToolSearch", input: { query: "look" } }]), result(...content));
  const references = found(
    { type: "tool_reference", tool_name: 'lo"ok' },
    { type: "tool_reference", tool_name: "see", cache_control: mark },
  );
  const tool = { name: "look", input_schema: { type: "object" } };
  const more = (fields: object) => `,"tools":${JSON.stringify([{ ...tool, ...fields }])}`;

  test("stay, with the flag that deferred tools bring, where the model has the search", () => {
    const { betas, dropped, messages } = edit(EIGHT, references, { more: more({ defer_loading: true }) });
    expect([betas, dropped, messages]).toEqual([[SEARCH], "", JSON.parse(references)]);
  });

  test("become the tools' names where the model has no search", () => {
    const { messages, betas, dropped } = edit(OLDER, references, { more: more({ defer_loading: true }) });
    expect([betas, dropped]).toEqual([[], "tools.defer_loading, content.tool_reference"]);
    expect(messages).toEqual(JSON.parse(found({ type: "text", text: 'lo"ok' }, { type: "text", text: "see", cache_control: mark })));
  });

  test("are found although their type is written with escapes; a text that only mentions one is no reference", () => {
    const escaped = references.replaceAll("tool_reference", "tool_referenc\\u0065");
    expect(edit(OLDER, escaped, { more: more({}) }).dropped).toBe("content.tool_reference");
    const mention = written(user('say "tool_reference"'));
    const { dropped, messages } = edit(OLDER, mention, { more: more({ defer_loading: true }) });
    expect([dropped, messages]).toEqual(["tools.defer_loading", JSON.parse(mention)]);
  });
});

test("a refusal of the role teaches that the model does not know it, in either of Bedrock's wordings", () => {
  for (const message of ["messages.1.role: Input should be 'user' or 'assistant'", "role 'system' is not supported on this model"]) {
    const lessons = new BedrockLessons("bedrock-eu");
    const one = job({ accepts: acceptsOf("bedrock", EIGHT), model: EIGHT });
    expect(lessons.learn(one, message)?.line).toContain("fields: { remove: [messages.role.system] }");
    expect(lessons.takes(one).fields.has("messages.role.system")).toBe(false);
  }
});

test("flags for features that a model has without a flag are left out and not reported", () => {
  const talk = written(user("a"));
  const betas = "interleaved-thinking-2025-05-14,context-1m-2025-08-07";
  expect(edit(LATEST, talk, { betas })).toMatchObject({ betas: [], dropped: "" });
  expect(edit("claude-3-haiku-20240307", talk, { betas }).dropped).toBe("interleaved-thinking-2025-05-14, context-1m-2025-08-07");
});
