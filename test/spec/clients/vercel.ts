/** The Vercel AI SDK with its Anthropic and OpenAI providers; each major version has its own providers. */
import { z as zod3 } from "zod/v3";
import { z as zod4 } from "zod/v4";
import { type Client, type DialectName, type Observation, type Task, TOOL } from "./behaviours.ts";
import { installedVersion, thrown } from "./library.ts";

interface Major {
  ai: Package;
  anthropic: Package;
  openai: Package;
  /** 4 takes the schemas of zod 3 only. */
  zod: 3 | 4;
  /** From 6 on structured output is a part of `generateText`. */
  structured: "generateObject" | "output";
  /** From 5 on `provider(model)` calls the Responses API, and `provider.chat(model)` chat completions. */
  responses: boolean;
}
interface Package {
  name: string;
  load(): Promise<unknown>;
}

const MAJORS: Major[] = [
  {
    ai: { name: "ai-4", load: () => import("ai-4") },
    anthropic: { name: "ai-sdk-anthropic-1", load: () => import("ai-sdk-anthropic-1") },
    openai: { name: "ai-sdk-openai-1", load: () => import("ai-sdk-openai-1") },
    zod: 3,
    structured: "generateObject",
    responses: false,
  },
  {
    ai: { name: "ai-5", load: () => import("ai-5") },
    anthropic: { name: "ai-sdk-anthropic-2", load: () => import("ai-sdk-anthropic-2") },
    openai: { name: "ai-sdk-openai-2", load: () => import("ai-sdk-openai-2") },
    zod: 4,
    structured: "generateObject",
    responses: true,
  },
  {
    ai: { name: "ai", load: () => import("ai") },
    anthropic: { name: "@ai-sdk/anthropic", load: () => import("@ai-sdk/anthropic") },
    openai: { name: "@ai-sdk/openai", load: () => import("@ai-sdk/openai") },
    zod: 4,
    structured: "output",
    responses: true,
  },
  {
    ai: { name: "ai-7", load: () => import("ai-7") },
    anthropic: { name: "ai-sdk-anthropic-4", load: () => import("ai-sdk-anthropic-4") },
    openai: { name: "ai-sdk-openai-4", load: () => import("ai-sdk-openai-4") },
    zod: 4,
    structured: "output",
    responses: true,
  },
];

/** What the majors have in common, as far as it is used here. Names that only some of them know are passed to all: the rest ignore them. */
interface Library {
  generateText(options: object): Promise<Result>;
  embedMany(options: object): Promise<{ embeddings: number[][] }>;
  generateObject(options: object): Promise<{ object: unknown }>;
  streamText(options: object): { textStream: AsyncIterable<string>; usage: PromiseLike<Usage> };
  tool(options: object): unknown;
  stepCountIs?(count: number): unknown;
  Output: { object(options: object): unknown };
  APICallError: { isInstance(error: unknown): boolean };
}
interface Result {
  text: string;
  output?: unknown;
  usage: Usage;
  steps: { toolCalls: { toolName: string; args?: unknown; input?: unknown }[] }[];
}
interface Usage {
  promptTokens?: number;
  completionTokens?: number;
  inputTokens?: number;
  outputTokens?: number;
}
type Provider = ((model: string) => unknown) & { chat(model: string): unknown; textEmbeddingModel(model: string): unknown };
type ProviderLibrary = Record<"createAnthropic" | "createOpenAI", (options: object) => Provider>;

/** How a model is asked for: as the library does by itself, or expressly for chat completions. */
type Way = "default" | "chat";

export const vercelClients: Client[] = MAJORS.flatMap((major) => [
  client(major, "anthropic", "default"),
  client(major, "openai", "default"),
  ...(major.responses ? [client(major, "openai", "chat")] : []),
]);

function client(major: Major, dialect: DialectName, way: Way): Client {
  const provider = major[dialect].name;
  const call = dialect === "openai" && major.responses ? (way === "chat" ? ", `provider.chat(model)`" : ", `provider(model)`") : "";
  return {
    name: `\`ai\` ${installedVersion(major.ai.name)} with \`@ai-sdk/${dialect}\` ${installedVersion(provider)}${call}`,
    family: "Vercel AI SDK",
    dialect,
    exceptions: {
      refused: "APICallError",
      rejected: "APICallError",
      unauthenticated: "APICallError",
      unknown: "APICallError",
      limited: "APICallError",
      broken: "onError",
    },
    lacks: {
      models: "this library does not list models",
      responses: "the other columns use it, where it is the default call",
      count: "this library does not count beforehand",
      ...(dialect === "anthropic" ? { embeddings: "this protocol has no such call" } : {}),
      ...(dialect === "openai" && major.responses && way === "default"
        ? {}
        : { default: "its default call is not this one, or not the Responses API" }),
    },
    perform: (task) => perform(major, dialect, way, task),
  };
}

async function perform(major: Major, dialect: DialectName, way: Way, task: Task): Promise<Observation> {
  const library = (await major.ai.load()) as Library;
  const observation: Observation = {};
  try {
    const model = modelOf((await major[dialect].load()) as ProviderLibrary, dialect, way, task);
    const settings = {
      model,
      values: [task.prompt, "another text"],
      prompt: task.prompt,
      maxRetries: task.retries,
      maxTokens: 1024,
      maxOutputTokens: 1024,
      // Else it refers to the items of its first step by their ids, which are good only where answers are stored.
      ...(dialect === "openai" && way === "default" && task.action === "tools" ? { providerOptions: { openai: { store: false } } } : {}),
      ...(task.unacceptable ? (dialect === "anthropic" ? { topK: -5 } : { temperature: 9 }) : {}),
    };
    await ACTIONS[task.action]?.({ library, major, settings, observation });
  } catch (error) {
    observation.thrown = thrown(
      error,
      library.APICallError.isInstance(error) ? "APICallError" : error instanceof Error ? error.name : typeof error,
    );
  }
  return observation;
}

function modelOf(library: ProviderLibrary, dialect: DialectName, way: Way, task: Task): unknown {
  if (dialect === "anthropic") return library.createAnthropic({ baseURL: `${task.url}/anthropic/eu/v1`, apiKey: task.key })(task.model);
  const provider = library.createOpenAI({ baseURL: `${task.url}/openai/eu/v1`, apiKey: task.key });
  if (task.action === "embeddings") return provider.textEmbeddingModel(task.model);
  return way === "chat" ? provider.chat(task.model) : provider(task.model);
}

interface Call {
  library: Library;
  major: Major;
  settings: object;
  observation: Observation;
}

const answer = async ({ library, settings, observation }: Call): Promise<void> => {
  const result = await library.generateText(settings);
  observation.text = result.text;
  observation.usage = usageOf(result.usage);
};

const ACTIONS: Partial<Record<Task["action"], (call: Call) => Promise<void>>> = {
  answer,
  default: answer,

  async embeddings({ library, settings, observation }) {
    observation.vectors = (await library.embedMany(settings)).embeddings;
  },

  async stream({ library, settings, observation }) {
    const pieces: string[] = [];
    observation.pieces = pieces;
    // The library reports a failing stream here, and ends the text without a word.
    const onError = ({ error }: { error: unknown }) => {
      observation.thrown = { ...thrown(error, "onError"), status: null };
    };
    const result = library.streamText({ ...settings, onError });
    for await (const text of result.textStream) pieces.push(text);
    const usage = usageOf(await (observation.thrown === undefined ? result.usage : {}));
    // Version 4 does not ask an OpenAI-compatible service for it, and says NaN.
    if (usage.output > 0) observation.usage = usage;
  },

  async tools({ library, major, settings, observation }) {
    const schema = major.zod === 3 ? zod3.object({ city: zod3.string() }) : zod4.object({ city: zod4.string() });
    const weather = library.tool({
      description: TOOL.description,
      parameters: schema,
      inputSchema: schema,
      execute: async () => TOOL.result,
    });
    const result = await library.generateText({
      ...settings,
      tools: { [TOOL.name]: weather },
      maxSteps: 2,
      stopWhen: library.stepCountIs?.(2),
    });
    const call = result.steps[0]?.toolCalls[0];
    if (call !== undefined) observation.call = { name: call.toolName, arguments: call.input ?? call.args };
    observation.text = result.text;
  },

  async structured({ library, major, settings, observation }) {
    const schema =
      major.zod === 3
        ? zod3.object({ city: zod3.string(), degrees: zod3.number() })
        : zod4.object({ city: zod4.string(), degrees: zod4.number() });
    if (major.structured === "generateObject") observation.value = (await library.generateObject({ ...settings, schema })).object;
    else observation.value = (await library.generateText({ ...settings, output: library.Output.object({ schema }) })).output;
  },
};

function usageOf({ promptTokens, completionTokens, inputTokens, outputTokens }: Usage): { input: number; output: number } {
  return { input: inputTokens ?? promptTokens ?? 0, output: outputTokens ?? completionTokens ?? 0 };
}
