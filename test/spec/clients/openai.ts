/** OpenAI's own TypeScript client, as far back as the first users' code. */
import type OpenAI from "openai";
import { z as zod3 } from "zod/v3";
import { z as zod4 } from "zod/v4";
import { type Client, type Observation, SDK_EXCEPTIONS, STRUCTURE, type Task, TOOL, UNACCEPTABLE } from "./behaviours.ts";
import { installedVersion, nameOfError, thrown } from "./library.ts";

type Library = typeof import("openai");
type Params = OpenAI.ChatCompletionCreateParamsNonStreaming;
type ZodHelper = Pick<typeof import("openai/helpers/zod"), "zodResponseFormat" | "zodTextFormat">;

interface Version {
  package: string;
  load(): Promise<unknown>;
  zodHelper(): Promise<unknown>;
  /** The major whose schemas that version's helper takes. */
  zod: 3 | 4;
}

const VERSIONS: Version[] = [
  { package: "openai-old", load: () => import("openai-old"), zodHelper: () => import("openai-old/helpers/zod"), zod: 3 },
  { package: "openai-5", load: () => import("openai-5"), zodHelper: () => import("openai-5/helpers/zod"), zod: 3 },
  { package: "openai-6", load: () => import("openai-6"), zodHelper: () => import("openai-6/helpers/zod"), zod: 4 },
  { package: "openai", load: () => import("openai"), zodHelper: () => import("openai/helpers/zod"), zod: 4 },
];

export const openaiClients: Client[] = VERSIONS.map((version) => ({
  name: `\`openai\` ${installedVersion(version.package)}`,
  family: "OpenAI SDK for TypeScript",
  dialect: "openai",
  exceptions: { ...SDK_EXCEPTIONS, broken: "APIError" },
  lacks: { default: "every call names its endpoint", count: "this protocol does not count beforehand" },
  perform: (task) => perform(version, task),
}));

async function perform(version: Version, task: Task): Promise<Observation> {
  const library = (await version.load()) as Library;
  const client = new library.default({ baseURL: `${task.url}/openai/eu/v1`, apiKey: task.key, maxRetries: task.retries });
  const observation: Observation = {};
  try {
    await ACTIONS[task.action]?.(client, task, observation, version);
  } catch (error) {
    observation.thrown = thrown(error, nameOfError(library, error));
  }
  return observation;
}

type Action = (client: OpenAI, task: Task, observation: Observation, version: Version) => Promise<void>;

const ACTIONS: Partial<Record<Task["action"], Action>> = {
  async answer(client, task, observation) {
    const completion = await client.chat.completions.create(params(task));
    observation.text = completion.choices[0]?.message.content ?? "";
    observation.usage = usageOf(completion);
  },

  async stream(client, task, observation) {
    const pieces: string[] = [];
    observation.pieces = pieces;
    const stream = await client.chat.completions.create({ ...params(task), stream: true, stream_options: { include_usage: true } });
    for await (const chunk of stream) {
      const text = chunk.choices[0]?.delta.content;
      if (text) pieces.push(text);
      if (chunk.usage) observation.usage = usageOf(chunk);
    }
  },

  async tools(client, task, observation) {
    const { name, description, schema } = TOOL;
    const asked: Params = { ...params(task), tools: [{ type: "function", function: { name, description, parameters: schema } }] };
    const message = (await client.chat.completions.create(asked)).choices[0]?.message;
    const call = message?.tool_calls?.[0];
    if (message === undefined || call?.type !== "function") return;
    observation.call = { name: call.function.name, arguments: JSON.parse(call.function.arguments) };
    const answer = await client.chat.completions.create({
      ...asked,
      messages: [...asked.messages, message, { role: "tool", tool_call_id: call.id, content: TOOL.result }],
    });
    observation.text = answer.choices[0]?.message.content ?? "";
  },

  async structured(client, task, observation, version) {
    const { zodResponseFormat } = (await version.zodHelper()) as ZodHelper;
    const schema = structureOf(version);
    // In version 4 the method still stood under `beta`.
    const completions =
      "parse" in client.chat.completions ? client.chat.completions : (client as unknown as { beta: OpenAI }).beta.chat.completions;
    const completion = await completions.parse({ ...params(task), response_format: zodResponseFormat(schema, STRUCTURE.name) });
    observation.value = completion.choices[0]?.message.parsed;
  },

  async responses(client, task, observation, version) {
    const { model, prompt } = task;
    const whole = await client.responses.create({ model, input: prompt });
    observation.text = whole.output_text;
    observation.usage = { input: whole.usage?.input_tokens ?? 0, output: whole.usage?.output_tokens ?? 0 };

    const pieces: string[] = [];
    observation.pieces = pieces;
    for await (const event of await client.responses.create({ model, input: prompt, stream: true })) {
      if (event.type === "response.output_text.delta") pieces.push(event.delta);
    }

    const { name, description, schema } = TOOL;
    const tools = [{ type: "function" as const, name, description, parameters: { ...schema }, strict: true }];
    const called = await client.responses.create({ model, input: TOOL.question, tools });
    const call = called.output.find((item) => item.type === "function_call");
    if (call !== undefined) observation.call = { name: call.name, arguments: JSON.parse(call.arguments) };

    const { zodTextFormat } = (await version.zodHelper()) as ZodHelper;
    const parsed = await client.responses.parse({
      model,
      input: STRUCTURE.question,
      text: { format: zodTextFormat(structureOf(version), STRUCTURE.name) },
    });
    observation.value = parsed.output_parsed;
  },

  async embeddings(client, { model, prompt }, observation) {
    const { data } = await client.embeddings.create({ model, input: [prompt, "another text"] });
    observation.vectors = data.map(({ embedding }) => embedding);
  },

  async list(client, _task, observation) {
    const models: string[] = [];
    for await (const { id } of client.models.list()) models.push(id);
    observation.models = models;
  },
};

/** The helper's own types know one major of zod only. */
function structureOf({ zod }: Version) {
  return (
    zod === 3 ? zod3.object({ city: zod3.string(), degrees: zod3.number() }) : zod4.object({ city: zod4.string(), degrees: zod4.number() })
  ) as ReturnType<typeof zod4.object>;
}

function params({ model, prompt, unacceptable }: Task): Params {
  const refused = UNACCEPTABLE.openai;
  return { model, messages: [{ role: "user", content: prompt }], ...(unacceptable ? { [refused.name]: refused.value } : {}) };
}

function usageOf({ usage }: { usage?: OpenAI.CompletionUsage | null }): { input: number; output: number } {
  return { input: usage?.prompt_tokens ?? 0, output: usage?.completion_tokens ?? 0 };
}
