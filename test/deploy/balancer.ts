/**
 * A load balancer as a cluster has one: it sends new calls to replicas whose `/readyz` says 200, each to the one with the fewest open calls, over
 * connections that it keeps. It sends nothing twice: a call that a replica loses is lost for the client.
 */
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const LOOK_MS = 100;
const LOOK_TIMEOUT_MS = 2_000;

interface Replica {
  url: string;
  isReady: boolean;
  open: number;
  taken: number;
}

export class Balancer {
  readonly url: string;
  readonly #server: Server;
  readonly #agent: Agent;
  readonly #replicas: Replica[];
  readonly #clock: ReturnType<typeof setInterval>;

  private constructor(server: Server, agent: Agent, replicas: Replica[]) {
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#server = server;
    this.#agent = agent;
    this.#replicas = replicas;
    this.#clock = setInterval(() => void this.look(), LOOK_MS);
  }

  static async start(): Promise<Balancer> {
    const agent = new Agent({ keepAlive: true });
    const replicas: Replica[] = [];
    const server = createServer((asked, answer) => pass(asked, answer, replicas, agent));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Balancer(server, agent, replicas);
  }

  add(url: string): void {
    this.#replicas.push({ url, isReady: false, open: 0, taken: 0 });
  }

  /** Calls that this replica has open, and all that were sent to it. */
  countsOf(url: string): { open: number; taken: number; isReady: boolean } {
    const { open, taken, isReady } = this.#replicas.find((replica) => replica.url === url) ?? { open: 0, taken: 0, isReady: false };
    return { open, taken, isReady };
  }

  async look(): Promise<void> {
    await Promise.all(
      this.#replicas.map(async (replica) => {
        replica.isReady = await fetch(`${replica.url}/readyz`, { signal: AbortSignal.timeout(LOOK_TIMEOUT_MS) }).then(
          ({ ok }) => ok,
          () => false,
        );
      }),
    );
  }

  async stop(): Promise<void> {
    clearInterval(this.#clock);
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    this.#agent.destroy();
  }
}

function pass(asked: IncomingMessage, answer: ServerResponse, replicas: readonly Replica[], agent: Agent): void {
  const [replica] = replicas.filter(({ isReady }) => isReady).sort((a, b) => a.open - b.open);
  if (replica === undefined) {
    answer.writeHead(503).end("no replica is ready");
    return;
  }
  replica.open += 1;
  replica.taken += 1;
  answer.once("close", () => {
    replica.open -= 1;
  });
  const onward = request(replica.url + (asked.url ?? ""), { method: asked.method ?? "GET", headers: asked.headers, agent });
  const lost = (thrown: Error) => {
    if (answer.headersSent) answer.destroy(thrown);
    else answer.writeHead(502).end(`lost: ${thrown.message}`);
  };
  onward.once("error", lost);
  onward.once("response", (head) => {
    answer.writeHead(head.statusCode ?? 502, head.headers);
    head.once("error", lost);
    head.pipe(answer);
  });
  asked.pipe(onward);
}
