/** Stand-ins for Bedrock, Azure OpenAI and Entra ID on loopback, for the demo, the tests and the benchmarks. */
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { Azure } from "./azure/azure.ts";
import { Entra } from "./azure/entra.ts";
import { Bedrock } from "./bedrock/bedrock.ts";
import { Calls } from "./calls.ts";
import { deliver, Line } from "./delivery.ts";
import { DirectiveReader } from "./directives.ts";
import { Seal } from "./seal.ts";
import type { Arrival, Credentials, State } from "./state.ts";

export interface SandboxOptions {
  host?: string;
  /** The port to listen on. With 0 it is any free one. */
  port?: number;
  /** Milliseconds for each token of an answer. With 0 it is sent as fast as the client reads. */
  paceMs?: number;
  /** Default: random ones. */
  credentials?: Credentials;
  /** The time, in milliseconds since 1970. */
  now?: () => number;
  /** How many requests `calls.recent` keeps. */
  remember?: number;
  /** Ids are counted from this number. With different numbers, two sandboxes for two resources have no id in common. */
  idsFrom?: number;
  /** See `State.behind`. */
  behind?: Readonly<Record<string, string>>;
}

export interface Sandbox {
  bedrock: { url: string };
  azure: { url: string };
  /** Address of the stand-in for Entra ID. */
  authority: { url: string };
  /** The credentials that the stand-ins accept. */
  credentials: Credentials;
  calls: Calls;
  /** Closes the stand-ins and all connections, also those with open calls. */
  close(): Promise<void>;
}

const REMEMBERED = 1_000;
/** Longer than any test keeps an idle connection. */
const KEEP_ALIVE_MS = 75_000;

export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { host = "127.0.0.1", port = 0, paceMs = 0, credentials = randomCredentials(), now = Date.now, remember = REMEMBERED } = options;
  const { behind = {}, idsFrom = 0 } = options;
  const calls = new Calls(remember);
  let lastId = idsFrom;
  const nextId = (): string => {
    lastId += 1;
    return lastId.toString(36).padStart(24, "0");
  };
  const state: State = {
    credentials,
    now,
    paceMs,
    calls,
    directives: new DirectiveReader(),
    seal: new Seal(),
    behind,
    nextId,
  };
  const bedrock = new Bedrock(state);
  const entra = new Entra(state);
  const azure = new Azure(state, entra);

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [path = "", query = ""] = (request.url ?? "").split("?", 2);
    if (path.startsWith("/sandbox/")) return inspect(path, request.method ?? "", response, calls);
    const isToken = path.endsWith("/oauth2/v2.0/token");
    if (isToken) calls.tokenRequest();
    const headers = flat(request);
    const record = isToken ? undefined : calls.begin(request.method ?? "", request.url ?? "", headers);
    const line = record === undefined ? undefined : new Line(request, response, record, calls);
    const arrival: Arrival = { method: request.method ?? "", path, query, headers, body: await gather(request) };
    if (record === undefined || line === undefined) {
      const { status, body } = entra.answer(arrival);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      return;
    }
    const stage = path.startsWith("/openai/") ? azure.answer(arrival, record) : await bedrock.answer(arrival, record);
    await deliver(line, stage.reply, stage.behaviour, stage.breakage, paceMs);
  };

  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 }, (request, response) => {
    handle(request, response).catch((thrown: unknown) => {
      // A client may leave in the middle of its request. Any other error is a fault of the stand-in and is printed.
      if (!request.socket.destroyed) process.stderr.write(`sandbox: ${thrown instanceof Error ? thrown.stack : String(thrown)}\n`);
      // This closes the connection. To end the request alone is not enough: it may already be complete, and its client would wait for ever.
      request.socket.destroy();
    });
  });
  server.on("connection", (socket) => {
    calls.connection(1);
    socket.on("close", () => calls.connection(-1));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const url = `http://${host}:${(server.address() as AddressInfo).port}`;
  return {
    bedrock: { url },
    azure: { url },
    authority: { url },
    credentials,
    calls,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function randomCredentials(): Credentials {
  const secret = (bytes: number): string => randomBytes(bytes).toString("base64url");
  return {
    aws: [
      { accessKeyId: "AKIASANDBOXEXAMPLE01", secretAccessKey: secret(30) },
      { accessKeyId: "ASIASANDBOXEXAMPLE02", secretAccessKey: secret(30), sessionToken: secret(60) },
    ],
    bearerTokens: [`bedrock-api-key-${secret(24)}`],
    apiKeys: [secret(32)],
    entra: {
      tenantId: "11111111-2222-3333-4444-555555555555",
      clientId: "66666666-7777-8888-9999-000000000000",
      clientSecret: secret(30),
      assertions: [`assertion.${secret(60)}`],
      tokenLifetimeSeconds: 3_600,
    },
  };
}

/** Answers `/sandbox/calls`, for tests and benchmarks whose stand-ins run in another process. */
function inspect(path: string, method: string, response: ServerResponse, calls: Calls): void {
  const known = path === "/sandbox/calls";
  if (known && method === "DELETE") calls.reset();
  response.writeHead(known ? 200 : 404, { "content-type": "application/json" });
  response.end(JSON.stringify(known ? calls.snapshot() : { error: `nothing at ${path}; try /sandbox/calls` }));
}

function flat(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return headers;
}

function gather(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)));
    request.on("error", reject);
    request.on("close", () => reject(new Error("the client closed the connection before its request was complete")));
  });
}
