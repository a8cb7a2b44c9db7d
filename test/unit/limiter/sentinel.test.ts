/** What a Sentinel may say at a bad moment. A real one says it only by chance, so this is a stand-in. The Redis behind it is real. */
import { expect, test } from "bun:test";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { connectRedis } from "../../../src/redis/connect.ts";
import { haveRedis, startRedis } from "../../support/redis.ts";
import { eventually, pause } from "../../support/waits.ts";
import { connected, settings } from "./fixture.ts";

/** Serves `SENTINEL` and `SUBSCRIBE`, which is all that a client asks for. It knows no other Sentinel. */
class StandIn {
  readonly #server: Server = createServer((socket) => this.#serve(socket));
  readonly #subscribers = new Set<Socket>();
  /** Clients that ask where the master is, while `masterPort` is not known. */
  readonly waiting: (() => void)[] = [];
  masterPort: number | undefined;

  async start(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Reports a failover to all clients that listen. */
  announce(): void {
    const text = (part: string): string => `$${part.length}\r\n${part}\r\n`;
    for (const socket of this.#subscribers) socket.write(`*3\r\n${text("message")}${text("+switch-master")}${text("weir")}`);
  }

  answer(masterPort: number): void {
    this.masterPort = masterPort;
    for (const tell of this.waiting.splice(0)) tell();
  }

  close(): void {
    this.#server.close();
  }

  #serve(socket: Socket): void {
    socket.on("error", () => {});
    socket.on("data", (data) => {
      for (const [command] of data.toString().matchAll(/\*\d+\r\n(?:\$\d+\r\n[^\r]*\r\n)+/g)) this.#reply(socket, command);
    });
    socket.on("close", () => this.#subscribers.delete(socket));
  }

  #reply(socket: Socket, command: string): void {
    if (command.includes("get-master-addr-by-name")) {
      const tell = () => {
        const port = String(this.masterPort);
        socket.write(`*2\r\n$9\r\n127.0.0.1\r\n$${port.length}\r\n${port}\r\n`);
      };
      if (this.masterPort === undefined) this.waiting.push(tell);
      else tell();
    } else if (command.includes("subscribe")) {
      this.#subscribers.add(socket);
      socket.write("*3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n");
    } else {
      socket.write(command.includes("sentinels") ? "*0\r\n" : "+OK\r\n");
    }
  }

  get subscribers(): number {
    return this.#subscribers.size;
  }
}

test.skipIf(!haveRedis)(
  "word of a failover that comes while the client asks where the master is does not end it, nor does an address that is none; closing does",
  async () => {
    const [old, heir] = [await startRedis(), await startRedis()];
    const sentinel = new StandIn();
    sentinel.masterPort = old.port;
    const client = connectRedis(settings("", { url: undefined, sentinel: { name: "weir", nodes: [await sentinel.start()] } }));
    client.on("error", () => {});
    let endings = 0;
    client.on("end", () => endings++);
    await connected(client);
    await eventually(() => sentinel.subscribers === 1, "the subscription");

    sentinel.masterPort = undefined;
    await old.stop();
    await eventually(() => sentinel.waiting.length > 0, "a question");
    sentinel.announce();
    await eventually(() => sentinel.subscribers === 0, "the subscription's end");
    // No port at all: the attempt to connect throws.
    sentinel.answer(70_000);
    await eventually(() => endings >= 3, "three endings");
    sentinel.answer(heir.port);
    await connected(client);
    expect(await client.ping()).toBe("PONG");

    const before = endings;
    sentinel.masterPort = undefined;
    await heir.stop();
    await eventually(() => sentinel.waiting.length > 0, "a question");
    client.disconnect();
    sentinel.answer(heir.port);
    await eventually(() => endings === before + 1, "the last ending");
    await pause(100);
    expect(client.status).toBe("end");
    expect(sentinel.waiting).toEqual([]);
    sentinel.close();
  },
  30_000,
);
