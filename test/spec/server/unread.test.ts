/** Answers that their clients do not take: a workspace holds so much of them in memory, and the others do not notice. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { eventually } from "../../support/waits.ts";
import { keyEntry, type RuntimeName, startWeir, type Weir } from "../../support/weir.ts";

const MIB = 1024 * 1024;
const KEYS = { greedy: "weir_unread_greedy_Vk3Xq8Lw1Rb7", other: "weir_unread_other_Zn5Tq2Mw9Kd4" };
const BUFFERED = 32 * MIB;
const ANSWER_BYTES = 6 * MIB;

/** Answers embeddings with as many bytes as the input says, and chat completions with a stream that never ends. */
function upstream(): Server {
  const event = `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"${"weir ".repeat(200)}"},"finish_reason":null}]}\n\n`;
  const piece = event.repeat(50);
  const pour = (response: ServerResponse): void => {
    while (!response.destroyed) if (!response.write(piece)) return void response.once("drain", () => pour(response));
  };
  return createServer((request, response) => {
    let body = "";
    response.on("error", () => {});
    request.on("data", (data) => {
      body += data;
    });
    request.on("end", () => {
      const { input = "", stream = false } = JSON.parse(body) as { input?: string; stream?: boolean };
      response.writeHead(200, { "content-type": stream ? "text/event-stream" : "application/json" });
      if (stream) pour(response);
      else
        response.end(
          `{"object":"list","model":"m","data":[{"object":"embedding","index":0,"embedding":"${"é".repeat(Number(input) / 2)}"}],"usage":{"prompt_tokens":7,"total_tokens":7}}`,
        );
    });
  });
}

const server = upstream();
beforeAll(async () => {
  await once(server.listen(0, "127.0.0.1"), "listening");
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function started(runtime: RuntimeName, workers: number): Promise<Weir> {
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const limits = { rpm: 10_000, tpm: 100_000_000 };
  return await startWeir({
    runtime,
    config: {
      workers,
      server: { max_buffered: BUFFERED, max_body: "1MiB", reader_timeout: "1m" },
      upstreams: { far: { provider: "azure", region: "eu", endpoint, api: "v1", credentials: { api_key: "unread-upstream-key" } } },
      models: { m: { targets: [{ upstream: "far", model: "m" }] } },
      workspaces: {
        greedy: { default_region: "eu", limits, keys: [keyEntry("k", KEYS.greedy)] },
        other: { default_region: "eu", limits, keys: [keyEntry("k", KEYS.other)] },
      },
    },
  });
}

function asked(key: string, path: string, body: object): string {
  const text = JSON.stringify(body);
  return `POST /openai/eu/v1/${path} HTTP/1.1\r\nHost: gw\r\nx-api-key: ${key}\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
}
const embedding = (key: string, bytes = ANSWER_BYTES) => asked(key, "embeddings", { model: "m", input: String(bytes) });
const endless = (key: string) => asked(key, "chat/completions", { model: "m", stream: true, messages: [{ role: "user", content: "x" }] });

/** A connection that asks, and reads nothing of its answer until the test wants it. */
function silent(weir: Weir, request: string): Socket {
  const socket = connect({ port: Number(new URL(weir.url).port), host: "127.0.0.1" }, () => socket.write(request));
  socket.on("error", () => {});
  socket.pause();
  return socket;
}

async function sampled(weir: Weir, name: string): Promise<number> {
  const text = await (await fetch(`${weir.adminUrl}/metrics`)).text();
  return Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1]);
}
const buffered = (weir: Weir) => sampled(weir, "weir_buffered_bytes");
const ended = (weir: Weir, outcome: string) => weir.log().filter((line) => line.message === "request" && line.outcome === outcome);

async function takesAll(weir: Weir, key: string): Promise<{ status: number; length: number }> {
  const answer = await fetch(`${weir.url}/openai/eu/v1/embeddings`, {
    method: "POST",
    headers: { "x-api-key": key, "content-type": "application/json" },
    body: JSON.stringify({ model: "m", input: String(ANSWER_BYTES) }),
  });
  return { status: answer.status, length: (await answer.arrayBuffer()).byteLength };
}

for (const [runtime, workers] of [
  ["bun", 1],
  ["bun", 0],
  ["deno", 1],
] as const) {
  describe(`unread answers on ${runtime} with ${workers} workers`, () => {
    let weir: Weir;
    beforeAll(async () => {
      weir = await started(runtime, workers);
    }, 30_000);
    afterAll(async () => void (await weir.stop("SIGKILL")));

    test("whole answers wait up to the workspace's half; what comes beyond is a 503, counts, and leaves the others alone", async () => {
      const waiting = Array.from({ length: 6 }, () => silent(weir, embedding(KEYS.greedy)));
      // Two of six megabytes fit into the half of 32.
      await eventually(async () => ended(weir, "overloaded").length === 4, "four answers to be refused");
      expect(await buffered(weir)).toBeGreaterThan(2 * ANSWER_BYTES);
      expect(await buffered(weir)).toBeLessThan(BUFFERED / 2);
      expect(ended(weir, "overloaded")[0]).toMatchObject({ input_tokens: 7, workspace: "greedy" });
      expect((await takesAll(weir, KEYS.greedy)).status).toBe(503);
      const { status, length } = await takesAll(weir, KEYS.other);
      expect(status).toBe(200);
      expect(length).toBeGreaterThan(ANSWER_BYTES);
      for (const socket of waiting) socket.destroy();
      await eventually(async () => (await buffered(weir)) === 0, "what was left to be let go of");
      expect((await takesAll(weir, KEYS.greedy)).status).toBe(200);
      await eventually(async () => (await buffered(weir)) === 0, "what was taken to be let go of");
    }, 20_000);

    test("a large answer that is read late comes whole, and its connection can be used again", async () => {
      const socket = silent(weir, embedding(KEYS.other));
      await eventually(async () => (await buffered(weir)) > ANSWER_BYTES, "the answer to wait");
      let bytes = 0;
      let tail = "";
      socket.on("data", (data: Buffer) => {
        bytes += data.length;
        tail = (tail + data.toString("latin1")).slice(-4_000);
      });
      socket.resume();
      await eventually(() => tail.includes('"total_tokens":7}}'), "the end of the answer");
      expect(bytes).toBeGreaterThan(ANSWER_BYTES);
      await eventually(async () => (await buffered(weir)) === 0, "it to be let go of");
      tail = "";
      socket.write(embedding(KEYS.other, 10));
      await eventually(() => tail.includes("200 OK"), "a second answer");
      socket.destroy();
    }, 20_000);

    test("streams that their clients do not read hold up to the workspace's half, then end", async () => {
      const before = ended(weir, "overloaded").length;
      const sockets = Array.from({ length: 150 }, () => silent(weir, endless(KEYS.greedy)));
      await eventually(async () => ended(weir, "overloaded").length > before, "a stream to be ended", 20_000);
      expect(await buffered(weir)).toBeLessThanOrEqual(BUFFERED / 2);
      expect((await takesAll(weir, KEYS.other)).status).toBe(200);
      for (const socket of sockets) socket.resetAndDestroy();
      await eventually(async () => (await buffered(weir)) === 0, "all of it to be let go of", 20_000);
      await eventually(
        async () => (await sampled(weir, 'weir_requests_in_flight\\{route="/openai/\\{region\\}/v1/chat/completions"\\}')) === 0,
        "the calls to end",
      );
    }, 60_000);
  });
}
