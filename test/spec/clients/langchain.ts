/** LangChain for JavaScript. Its two lines want two versions of one peer package, so each is installed into a separate folder on first use. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { BENEATH, type Client, type DialectName, type Observation, type Task, TOOL } from "./behaviours.ts";
import { thrown } from "./library.ts";
import { npmFolder } from "./npm-folder.ts";

interface Line {
  core: string;
  /** From 1 on there is a separate exception for a prompt that is too long. */
  rejected: Record<DialectName, string>;
  provider: Record<DialectName, string>;
}

const LINES: Line[] = [
  {
    core: "0.3.80",
    rejected: { anthropic: "BadRequestError", openai: "BadRequestError" },
    provider: { anthropic: "0.3.34", openai: "0.3.17" },
  },
  {
    core: "1.4.0",
    rejected: { anthropic: "ContextOverflowError", openai: "ContextOverflowError" },
    provider: { anthropic: "1.5.11", openai: "1.6.0" },
  },
];

/** As far as it is used here; both lines have it. */
interface ChatModel {
  invoke(messages: unknown): Promise<Message>;
  stream(messages: unknown): Promise<AsyncIterable<Message>>;
  bindTools(tools: unknown[]): ChatModel;
  withStructuredOutput(schema: unknown, options: object): { invoke(messages: unknown): Promise<unknown> };
}
interface Message {
  content: string | { type: string; text?: string }[];
  tool_calls?: { id?: string; name: string; args: unknown }[];
  usage_metadata?: { input_tokens: number; output_tokens: number };
}
type Constructor = new (fields: object) => ChatModel;
interface Core {
  HumanMessage: new (text: string) => Message;
  ToolMessage: new (fields: object) => Message;
}

export const langchainClients: Client[] = LINES.flatMap((line) =>
  (["anthropic", "openai"] as const).map((dialect) => client(line, dialect)),
);

function client(line: Line, dialect: DialectName): Client {
  const { folder, missing } = npmFolder([
    `@langchain/core@${line.core}`,
    `@langchain/anthropic@${line.provider.anthropic}`,
    `@langchain/openai@${line.provider.openai}`,
  ]);
  return {
    name: `\`@langchain/${dialect}\` ${line.provider[dialect]}`,
    family: "LangChain for JavaScript",
    dialect,
    // LangChain hands on the exceptions of the vendor's client, which it brings along.
    exceptions: {
      refused: "BadRequestError",
      rejected: line.rejected[dialect],
      unauthenticated: "AuthenticationError",
      unknown: "NotFoundError",
      limited: "RateLimitError",
      broken: "APIError",
    },
    lacks: {
      models: "this library does not list models",
      default: "its default call is served: the other columns use it",
      responses: BENEATH,
      embeddings: BENEATH,
      count: BENEATH,
    },
    missing,
    perform: (task) => perform(folder ?? "", dialect, task),
  };
}

async function perform(folder: string, dialect: DialectName, task: Task): Promise<Observation> {
  const load = async (name: string): Promise<unknown> => import(pathToFileURL(createRequire(join(folder, "index.js")).resolve(name)).href);
  const core = (await load("@langchain/core/messages")) as Core;
  const library = (await load(`@langchain/${dialect}`)) as Record<"ChatAnthropic" | "ChatOpenAI", Constructor>;
  const observation: Observation = {};
  try {
    await ACTIONS[task.action]?.({
      model: modelOf(library, dialect, task),
      core,
      prompt: [new core.HumanMessage(task.prompt)],
      observation,
    });
  } catch (error) {
    observation.thrown = thrown(error, error instanceof Error ? error.constructor.name : typeof error);
  }
  return observation;
}

function modelOf(library: Record<"ChatAnthropic" | "ChatOpenAI", Constructor>, dialect: DialectName, task: Task): ChatModel {
  const common = { model: task.model, apiKey: task.key, maxRetries: task.retries, maxTokens: 1024 };
  return dialect === "anthropic"
    ? new library.ChatAnthropic({ ...common, anthropicApiUrl: `${task.url}/anthropic/eu`, ...(task.unacceptable ? { topK: -5 } : {}) })
    : new library.ChatOpenAI({
        ...common,
        configuration: { baseURL: `${task.url}/openai/eu/v1` },
        ...(task.unacceptable ? { temperature: 9 } : {}),
      });
}

interface Call {
  model: ChatModel;
  core: Core;
  prompt: Message[];
  observation: Observation;
}

const ACTIONS: Partial<Record<Task["action"], (call: Call) => Promise<void>>> = {
  async answer({ model, prompt, observation }) {
    const message = await model.invoke(prompt);
    observation.text = textOf(message);
    observation.usage = usageOf(message);
  },

  async stream({ model, prompt, observation }) {
    const pieces: string[] = [];
    observation.pieces = pieces;
    const sum = { input: 0, output: 0 };
    for await (const chunk of await model.stream(prompt)) {
      const text = textOf(chunk);
      if (text !== "") pieces.push(text);
      const { input, output } = usageOf(chunk);
      sum.input += input;
      sum.output += output;
    }
    observation.usage = sum;
  },

  async tools({ model, core, prompt, observation }) {
    const { name, description, schema } = TOOL;
    const equipped = model.bindTools([{ type: "function", function: { name, description, parameters: schema } }]);
    const message = await equipped.invoke(prompt);
    const call = message.tool_calls?.[0];
    if (call === undefined) return;
    observation.call = { name: call.name, arguments: call.args };
    const result = new core.ToolMessage({ content: TOOL.result, tool_call_id: call.id });
    observation.text = textOf(await equipped.invoke([...prompt, message, result]));
  },

  async structured({ model, prompt, observation }) {
    const schema = {
      type: "object",
      properties: { city: { type: "string" }, degrees: { type: "number" } },
      required: ["city", "degrees"],
      additionalProperties: false,
    };
    observation.value = await model.withStructuredOutput(schema, { name: "weather" }).invoke(prompt);
  },
};

function textOf({ content }: Message): string {
  return typeof content === "string" ? content : content.map(({ text }) => text ?? "").join("");
}

function usageOf({ usage_metadata }: Message): { input: number; output: number } {
  return { input: usage_metadata?.input_tokens ?? 0, output: usage_metadata?.output_tokens ?? 0 };
}
