/**
 * Conversations over two resources, each of which refuses what the other has sealed: Azure's `encrypted_content` can be read by the resource alone that
 * wrote it. Sources: litellm#40364, openai-agents-python#2063.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { keyEntry, startWeir, type Weir } from "../../support/weir.ts";

const KEY = "weir_reliability_turns_Xw5Kd9Rb2Qn7";
const [CONVERSATIONS, TURNS] = [20, 6];
/** The share of all calls, while both targets are well. */
const LEAST_KEPT = 0.99;
/** They have a session; the others are known by how they begin. */
const WITH_SESSION = 10;

interface Item {
  type: string;
  encrypted_content?: string;
}

/** A resource that seals its reasoning, and refuses what it has not sealed itself. */
class Resource {
  readonly name: string;
  readonly server: Server;
  refusals = 0;
  served = 0;

  constructor(name: string) {
    this.name = name;
    this.server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (bytes: Buffer) => parts.push(bytes));
      request.on("end", () => {
        const { input, stream } = JSON.parse(Buffer.concat(parts).toString()) as { input: Item[]; stream?: boolean };
        const { status, body } = this.#answer(input);
        if (status !== 200 || stream !== true) {
          response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
          return;
        }
        const events = [
          { type: "response.created", response: { ...body, status: "in_progress", output: [] } },
          ...(body.output as Item[]).map((item, output_index) => ({ type: "response.output_item.done", output_index, item })),
          { type: "response.completed", response: body },
        ];
        const text = events.map(
          (event, sequence_number) => `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number })}\n\n`,
        );
        response.writeHead(200, { "content-type": "text/event-stream" }).end(text.join(""));
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  #answer(input: Item[]): { status: number; body: Record<string, unknown> } {
    const foreign = input.find(({ encrypted_content: seal }) => seal !== undefined && !seal.startsWith(`${this.name}:`));
    if (foreign !== undefined) {
      this.refusals += 1;
      const message = "The encrypted content could not be verified. Reason: Encrypted content could not be decrypted or parsed.";
      return { status: 400, body: { error: { message, type: "invalid_request_error", param: null, code: "invalid_encrypted_content" } } };
    }
    this.served += 1;
    const id = `${this.name}-${this.served}`;
    const output = [
      { type: "reasoning", id: `rs_${id}`, summary: [], encrypted_content: `${this.name}:${id}` },
      {
        type: "message",
        id: `msg_${id}`,
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text: "Yes.", annotations: [] }],
      },
    ];
    const usage = { input_tokens: 10, output_tokens: 5, total_tokens: 15 };
    return { status: 200, body: { id: `resp_${id}`, object: "response", created_at: 1, model: "o3", status: "completed", output, usage } };
  }
}

const resources = [new Resource("north"), new Resource("south")];
let weir: Weir;

beforeAll(async () => {
  const upstreams: Record<string, object> = {};
  for (const resource of resources)
    upstreams[resource.name] = {
      provider: "azure",
      region: "eu",
      endpoint: await resource.start(),
      credentials: { api_key: "reliability-azure-key-11" },
    };
  const targets = resources.map(({ name }) => ({ upstream: name, model: "o3", rank: 0 }));
  weir = await startWeir({
    config: {
      workers: 2,
      limits: { rpm: 100_000, tpm: 100_000_000 },
      upstreams,
      models: { o3: { targets } },
      workspaces: { team: { default_region: "eu", keys: [keyEntry("ci", KEY)] } },
    },
  });
}, 30_000);

afterAll(async () => {
  await weir.collect();
  weir.child.kill("SIGKILL");
  for (const { server } of resources) {
    server.closeAllConnections();
    server.close();
  }
});

interface Turn {
  status: number;
  attempts: string | null;
  /** What it adds to the conversation. */
  output: Item[];
  /** Who sealed it. */
  by: string;
}

async function turn(input: unknown[], headers: Record<string, string>, stream: boolean): Promise<Turn> {
  const answer = await fetch(`${weir.url}/openai/eu/v1/responses`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${KEY}`, ...headers },
    body: JSON.stringify({ model: "o3", input, include: ["reasoning.encrypted_content"], store: false, stream }),
  });
  const text = await answer.text();
  const completed = /^data: (\{"type":"response\.completed".*)$/m.exec(text)?.[1];
  const { output = [] } = (stream ? ((JSON.parse(completed ?? "{}") as { response?: object }).response ?? {}) : JSON.parse(text)) as {
    output?: Item[];
  };
  const seal = output.find(({ encrypted_content }) => encrypted_content !== undefined)?.encrypted_content ?? "";
  return { status: answer.status, attempts: answer.headers.get("x-weir-attempts"), output, by: seal.split(":")[0] ?? "" };
}

test("20 conversations of six turns over two resources that seal their reasoning meet no refusal, and stay where they began", async () => {
  const conversations = await Promise.all(
    Array.from({ length: CONVERSATIONS }, async (_, nth) => {
      const headers: Record<string, string> = nth < WITH_SESSION ? { "session-id": `session-${nth}` } : {};
      const input: unknown[] = [{ type: "message", role: "user", content: `Question ${nth}` }];
      const turns: Turn[] = [];
      for (let at = 0; at < TURNS; at++) {
        const one = await turn(input, headers, nth % 2 === 0);
        turns.push(one);
        input.push(...one.output, { type: "message", role: "user", content: `And ${at}?` });
      }
      return turns;
    }),
  );
  const all = conversations.flat();
  expect(all.map(({ status, attempts }) => [status, attempts])).toEqual(Array(CONVERSATIONS * TURNS).fill([200, "1"]));
  expect(resources.map(({ refusals }) => refusals)).toEqual([0, 0]);
  const kept = conversations.flatMap((turns) => turns.map(({ by }) => by === turns[0]?.by));
  expect(kept.filter(Boolean).length).toBeGreaterThanOrEqual(all.length * LEAST_KEPT);
  // Both had their share: one of them alone would refuse no call either.
  for (const { served } of resources) expect(served).toBeGreaterThan(all.length / 10);
});

test("what another resource has sealed is taken to that one: one refusal, and the client does not see it", async () => {
  const before = resources.map(({ refusals }) => refusals);
  const sealed = (by: string) => [
    { type: "reasoning", id: "rs_1", summary: [], encrypted_content: `${by}:rs_1` },
    { type: "message", role: "user", content: "Go on." },
  ];
  // Whichever resource this conversation belongs to, one of the two seals is foreign there.
  const answers = [
    await turn(sealed("north"), { "session-id": "moved" }, false),
    await turn(sealed("south"), { "session-id": "moved" }, true),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  expect(answers.map(({ by }) => by)).toEqual(["north", "south"]);
  expect(answers.map(({ attempts }) => attempts).sort()).toEqual(["1", "2"]);
  const after = resources.map(({ refusals }) => refusals);
  expect(after.map((count, at) => count - (before[at] ?? 0)).reduce((sum, each) => sum + each, 0)).toBe(1);
});
