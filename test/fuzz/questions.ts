/** Good requests of every route: what is changed from there on is nearer to what the gateway reads than noise is. */
import type { Dice } from "./dice.ts";
import { oddText } from "./texts.ts";

export interface Question {
  method: "GET" | "POST";
  path: string;
  /** Undefined where the route takes none. */
  body: Record<string, unknown> | undefined;
}

/** A picture of one point. */
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const SCHEMA = { type: "object", properties: { city: { type: "string" }, days: { type: "integer", minimum: 1 } }, required: ["city"] };

/** Faults that the stand-in is asked for; only for models whose upstreams no other model uses. */
const FAULTS = ["throttle", "overloaded", "status=500", "hang-up", "malformed", "cut", "corrupt", "truncate after=0", "exception"];

/** @param told - The upstream is asked to fail. */
export function questionOf(dice: Dice, told: boolean): Question {
  const region = dice.pick(["eu", "eu", "eu", "us"]);
  const prompt = told
    ? `[sandbox: ${dice.pick(FAULTS)}]`
    : dice.chance(0.1)
      ? oddText(dice)
      : dice.pick(["Hello", "What is the weather?", "Sag etwas."]);
  const stream = dice.chance(0.5) ? { stream: dice.chance(0.7) } : {};
  const [claude, gpt] = told
    ? ["claude-told", "gpt-told"]
    : [dice.pick(["claude", "claude", "claude-limited"]), dice.pick(["gpt", "gpt", "gpt-limited"])];
  switch (dice.below(10)) {
    case 0:
    case 1:
    case 2:
      return {
        method: "POST",
        path: dice.pick([`/anthropic/${region}/v1/messages`, "/api/anthropic/v1/messages", `/api/public/anthropic/${region}/v1/messages`]),
        body: { ...anthropic(dice, claude, prompt), ...stream },
      };
    case 3:
      return { method: "POST", path: `/anthropic/${region}/v1/messages/count_tokens`, body: anthropic(dice, claude, prompt) };
    case 4:
      return { method: "POST", path: "/api/v1/messages", body: { ...anthropic(dice, claude, prompt), ...stream } };
    case 5:
    case 6:
      return {
        method: "POST",
        path: dice.pick([`/openai/${region}/v1/chat/completions`, `/api/public/openai/${region}/v1/chat/completions`]),
        body: { ...chat(dice, gpt, prompt), ...stream },
      };
    case 7:
      return { method: "POST", path: `/openai/${region}/v1/responses`, body: { ...responses(dice, gpt, prompt), ...stream } };
    case 8:
      return {
        method: "POST",
        path: `/openai/${region}/v1/embeddings`,
        body: { model: "embedding", input: dice.pick([prompt, [prompt, "two"], [1, 2, 3]]) },
      };
    default:
      return {
        method: "GET",
        path: dice.pick([
          `/anthropic/${region}/v1/models`,
          `/openai/${region}/v1/models`,
          "/openai/eu/v1/models/gpt",
          "/anthropic/eu/v1/models/claude",
          "/",
          "/docs",
          "/openapi.json",
          "/healthz",
          "/readyz",
        ]),
        body: undefined,
      };
  }
}

function anthropic(dice: Dice, model: string, prompt: string): Record<string, unknown> {
  const content = dice.pick<unknown>([
    prompt,
    [{ type: "text", text: prompt }],
    [
      { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } },
      { type: "text", text: prompt },
    ],
    [{ type: "text", text: prompt, cache_control: { type: "ephemeral" } }],
  ]);
  const tools = [{ name: "weather", description: "The weather.", input_schema: SCHEMA }];
  const turns = [
    { role: "user", content: "Paris?" },
    { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Paris" } }] },
    {
      role: "user",
      content: [
        { type: "tool_result", tool_use_id: "toolu_1", content: "sunny" },
        { type: "text", text: prompt },
      ],
    },
  ];
  return {
    model,
    max_tokens: dice.pick([0, 1, 16, 200]),
    messages: dice.chance(0.2) ? turns : [{ role: "user", content }],
    ...(dice.chance(0.3) ? { tools } : {}),
    ...(dice.chance(0.2) ? { system: dice.pick<unknown>(["Be short.", [{ type: "text", text: "Be short." }]]) } : {}),
    ...(dice.chance(0.1) ? { temperature: 0.5, top_p: 1, stop_sequences: ["x"], metadata: { user_id: "somebody" } } : {}),
  };
}

function chat(dice: Dice, model: string, prompt: string): Record<string, unknown> {
  const content = dice.pick<unknown>([
    prompt,
    [{ type: "text", text: prompt }],
    [
      { type: "text", text: prompt },
      { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } },
    ],
  ]);
  const call = { id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Paris"}' } };
  const turns = [
    { role: "system", content: "Be short." },
    { role: "user", content: "Paris?" },
    { role: "assistant", content: null, tool_calls: [call] },
    { role: "tool", tool_call_id: "call_1", content: "sunny" },
    { role: "user", content: prompt },
  ];
  return {
    model,
    messages: dice.chance(0.2) ? turns : [{ role: "user", content }],
    ...(dice.chance(0.3) ? { max_tokens: dice.pick([1, 16, 200]) } : {}),
    ...(dice.chance(0.3)
      ? { tools: [{ type: "function", function: { name: "weather", parameters: SCHEMA } }], parallel_tool_calls: true }
      : {}),
    ...(dice.chance(0.1) ? { response_format: { type: "json_schema", json_schema: { name: "x", schema: SCHEMA } } } : {}),
    ...(dice.chance(0.1) ? { stream_options: { include_usage: true }, stream: true } : {}),
  };
}

function responses(dice: Dice, model: string, prompt: string): Record<string, unknown> {
  const items = [
    { type: "message", role: "user", content: [{ type: "input_text", text: prompt }] },
    { type: "function_call", call_id: "call_1", name: "weather", arguments: "{}" },
    { type: "function_call_output", call_id: "call_1", output: "sunny" },
  ];
  return {
    model,
    input: dice.pick<unknown>([prompt, items, [{ role: "user", content: prompt }]]),
    ...(dice.chance(0.3) ? { instructions: "Be short.", max_output_tokens: 200 } : {}),
    ...(dice.chance(0.3) ? { tools: [{ type: "function", name: "weather", parameters: SCHEMA }] } : {}),
    ...(dice.chance(0.2) ? { store: false, include: ["reasoning.encrypted_content"] } : {}),
  };
}
