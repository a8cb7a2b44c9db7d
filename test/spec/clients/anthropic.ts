/** Anthropic's own TypeScript client, as far back as the first users' code. */
import type Anthropic from "@anthropic-ai/sdk";
import { z } from "zod/v4";
import { type Client, type Observation, SDK_EXCEPTIONS, type Task, TOOL, UNACCEPTABLE } from "./behaviours.ts";
import { installedVersion, nameOfError, thrown } from "./library.ts";

type Library = typeof import("@anthropic-ai/sdk");
type Params = Anthropic.MessageCreateParamsNonStreaming;

interface Version {
  package: string;
  load(): Promise<unknown>;
  lacks?: Client["lacks"];
  broken?: string;
}

const NO_STRUCTURE = "this version has no structured output yet";

const VERSIONS: Version[] = [
  {
    package: "anthropic-old",
    load: () => import("anthropic-old"),
    lacks: { structured: NO_STRUCTURE, models: "this version cannot list models yet", count: "this version cannot count tokens yet" },
    broken: "APIConnectionError",
  },
  { package: "anthropic-mid", load: () => import("anthropic-mid"), lacks: { structured: NO_STRUCTURE } },
  { package: "@anthropic-ai/sdk", load: () => import("@anthropic-ai/sdk") },
];

const ENDPOINT = {
  default: "every call names its endpoint",
  responses: "this protocol has no such call",
  embeddings: "this protocol has no such call",
};

export const anthropicClients: Client[] = VERSIONS.map((version) => ({
  name: `\`@anthropic-ai/sdk\` ${installedVersion(version.package)}`,
  family: "Anthropic SDK for TypeScript",
  dialect: "anthropic",
  exceptions: { ...SDK_EXCEPTIONS, broken: version.broken ?? "APIError" },
  lacks: { ...ENDPOINT, ...version.lacks },
  perform: async (task) => perform((await version.load()) as Library, task),
}));

async function perform(library: Library, task: Task): Promise<Observation> {
  const client = new library.default({ baseURL: `${task.url}/anthropic/eu`, apiKey: task.key, maxRetries: task.retries });
  const observation: Observation = {};
  try {
    await ACTIONS[task.action]?.(client, task, observation);
  } catch (error) {
    observation.thrown = thrown(error, nameOfError(library, error));
  }
  return observation;
}

const ACTIONS: Partial<Record<Task["action"], (client: Anthropic, task: Task, observation: Observation) => Promise<void>>> = {
  async answer(client, task, observation) {
    const message = await client.messages.create(params(task));
    observation.text = textOf(message);
    observation.usage = usageOf(message);
  },

  async stream(client, task, observation) {
    const pieces: string[] = [];
    observation.pieces = pieces;
    const stream = client.messages.stream(params(task));
    stream.on("text", (text) => pieces.push(text));
    observation.usage = usageOf(await stream.finalMessage());
  },

  async tools(client, task, observation) {
    const asked = {
      ...params(task),
      tools: [{ name: TOOL.name, description: TOOL.description, input_schema: { ...TOOL.schema, required: [...TOOL.schema.required] } }],
    };
    const message = await client.messages.create(asked);
    const use = message.content.find((block) => block.type === "tool_use");
    if (use === undefined) return;
    observation.call = { name: use.name, arguments: use.input };
    const answer = await client.messages.create({
      ...asked,
      messages: [
        ...asked.messages,
        { role: "assistant", content: message.content },
        { role: "user", content: [{ type: "tool_result", tool_use_id: use.id, content: TOOL.result }] },
      ],
    });
    observation.text = textOf(answer);
  },

  async structured(client, task, observation) {
    const { zodOutputFormat } = await import("@anthropic-ai/sdk/helpers/zod");
    const message = await client.messages.parse({
      ...params(task),
      output_config: { format: zodOutputFormat(z.object({ city: z.string(), degrees: z.number() })) },
    });
    observation.value = message.parsed_output;
  },

  async count(client, task, observation) {
    const { model, messages } = params(task);
    observation.counted = (await client.messages.countTokens({ model, messages })).input_tokens;
  },

  async list(client, _task, observation) {
    const models: string[] = [];
    for await (const { id } of client.models.list()) models.push(id);
    observation.models = models;
  },
};

function params({ model, prompt, unacceptable }: Task): Params {
  const refused = UNACCEPTABLE.anthropic;
  return {
    model,
    max_tokens: 1024,
    messages: [{ role: "user", content: prompt }],
    ...(unacceptable ? { [refused.name]: refused.value } : {}),
  };
}

function textOf({ content }: Anthropic.Message): string {
  return content.map((block) => (block.type === "text" ? block.text : "")).join("");
}

function usageOf({ usage }: Anthropic.Message): { input: number; output: number } {
  return { input: usage.input_tokens, output: usage.output_tokens };
}
