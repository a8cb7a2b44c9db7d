/** The Python libraries, each in a separate process that takes tasks and gives observations line by line. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { pythonWith } from "../../support/python.ts";
import { BENEATH, type Client, type DialectName, type Observation, SDK_EXCEPTIONS, type Task, TOOL } from "./behaviours.ts";
import { LANGCHAIN, NOW, THEN } from "./requirements.ts";

interface Library {
  name: string;
  family: string;
  dialect: DialectName;
  script: string;
  /** For pip; the libraries of one vintage share them, and with them one environment. */
  requirements: readonly string[];
  lacks: Client["lacks"];
  broken: string;
}

const NO_STRUCTURE = "this version has no structured output yet";
const ENDPOINT = { default: "every call names its endpoint" };
const NO_CALL = "this protocol has no such call";
const ANTHROPIC = { ...ENDPOINT, responses: NO_CALL, embeddings: NO_CALL };
const OPENAI = { ...ENDPOINT, count: "this protocol does not count beforehand" };
const SERVED = {
  models: "this library does not list models",
  default: "its default call is served: the other columns use it",
  responses: BENEATH,
  embeddings: BENEATH,
  count: BENEATH,
};

const LIBRARIES: Library[] = [
  {
    name: "`anthropic` 0.28.1",
    family: "Anthropic SDK for Python",
    dialect: "anthropic",
    script: "anthropic_client.py",
    requirements: THEN,
    lacks: {
      ...ANTHROPIC,
      structured: NO_STRUCTURE,
      models: "this version cannot list models yet",
      count: "this version cannot count tokens yet",
    },
    broken: "APIStatusError",
  },
  {
    name: "`anthropic` 2.12.0",
    family: "Anthropic SDK for Python",
    dialect: "anthropic",
    script: "anthropic_client.py",
    requirements: NOW,
    lacks: ANTHROPIC,
    broken: "APIStatusError",
  },
  {
    name: "`openai` 1.35.15",
    family: "OpenAI SDK for Python",
    dialect: "openai",
    script: "openai_client.py",
    requirements: THEN,
    lacks: { ...OPENAI, structured: NO_STRUCTURE, responses: "this version does not know the Responses API yet" },
    broken: "APIError",
  },
  {
    name: "`openai` 3.54.0",
    family: "OpenAI SDK for Python",
    dialect: "openai",
    script: "openai_client.py",
    requirements: NOW,
    lacks: OPENAI,
    broken: "APIError",
  },
  {
    name: "`langchain-anthropic` 1.7.7",
    family: "LangChain for Python",
    dialect: "anthropic",
    script: "langchain_anthropic_client.py",
    requirements: LANGCHAIN,
    lacks: SERVED,
    broken: "APIStatusError",
  },
  {
    name: "`langchain-openai` 1.7.3",
    family: "LangChain for Python",
    dialect: "openai",
    script: "langchain_openai_client.py",
    requirements: LANGCHAIN,
    lacks: SERVED,
    broken: "APIError",
  },
];

const processes: PythonProcess[] = [];

export const pythonClients: Client[] = LIBRARIES.map((library) => {
  const { program, missing } = pythonWith(library.requirements);
  let running: PythonProcess | undefined;
  return {
    name: library.name,
    family: library.family,
    dialect: library.dialect,
    exceptions: { ...SDK_EXCEPTIONS, broken: library.broken },
    lacks: library.lacks,
    missing,
    perform(task) {
      if (running === undefined) {
        running = new PythonProcess(program ?? "", library.script);
        processes.push(running);
      }
      return running.perform(task);
    },
  };
});

export function endPython(): void {
  for (const running of processes) running.end();
}

class PythonProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: Interface;
  readonly #waiting: { resolve(line: string): void; reject(reason: Error): void }[] = [];
  #errors = "";

  constructor(program: string, script: string) {
    const child = spawn(program, [join(import.meta.dir, "python", script)], {
      stdio: ["pipe", "pipe", "pipe"],
      // Nothing of the surroundings may redirect a client: no proxy, no key, no base URL.
      env: { PATH: process.env.PATH ?? "", PYTHONDONTWRITEBYTECODE: "1" },
    });
    this.#child = child;
    child.stderr.on("data", (bytes: Buffer) => {
      this.#errors += bytes.toString();
    });
    this.#lines = createInterface({ input: child.stdout });
    this.#lines.on("line", (line) => this.#waiting.shift()?.resolve(line));
    child.on("exit", (code) => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`${script} ended with ${code}:\n${this.#errors}`));
    });
  }

  async perform(task: Task): Promise<Observation> {
    const line = await new Promise<string>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin.write(`${JSON.stringify({ ...task, tool: TOOL })}\n`);
    });
    return JSON.parse(line) as Observation;
  }

  end(): void {
    this.#child.stdin.end();
  }
}
