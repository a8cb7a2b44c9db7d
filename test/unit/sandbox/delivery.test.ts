/** Readers that leave, readers that are slow, and many at once. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { type Exchange, exchange } from "../../support/exchange.ts";
import { eventually, pause } from "../../support/waits.ts";
import { MODEL, STANDS, standOf } from "./stands.ts";

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startSandbox();
});
afterEach(() => sandbox.close());

const MEBIBYTE = 1024 * 1024;

/** Bytes written once no more are for a fifth of a second: the kernel enlarges its buffers a few times before it takes no more. */
async function settled(): Promise<number> {
  const { counts } = sandbox.calls;
  for (let rounds = 0; rounds < 20; rounds++) {
    const written = counts.bytesWritten;
    await pause(200);
    if (counts.stalled === 1 && counts.bytesWritten === written) return written;
  }
  throw new Error("it went on writing to a reader that had stopped");
}

describe.each([...STANDS])("%s", (name) => {
  const PLACES: [where: string, says: string, stream: boolean, hasBegun: (asked: Exchange) => boolean][] = [
    ["before the head", "[sandbox: stall]", true, () => sandbox.calls.counts.open === 1],
    ["during the wait for a whole answer", "[sandbox: pace=10000]", false, () => sandbox.calls.counts.open === 1],
    ["in the silence of a stream", "[sandbox: stall after=1]", true, (asked) => asked.received().body.length > 0],
    ["in the middle of a whole answer", "[sandbox: stall after=1]", false, (asked) => asked.received().body.length > 0],
    ["between two paced tokens", "[sandbox: pace=50 tokens=1000]", true, (asked) => asked.received().body.length > 0],
  ];
  for (const [where, says, stream, hasBegun] of PLACES) {
    test(`a reader that leaves ${where} is counted at once`, async () => {
      const asked = standOf(sandbox, name).request(says, { stream });
      await eventually(() => hasBegun(asked), "the call");
      asked.socket.destroy();
      // What the sandbox would wait for by itself is ten seconds away or more.
      await eventually(() => sandbox.calls.counts.open === 0, "the abort", 5_000);
      expect(sandbox.calls.counts).toMatchObject({ aborted: 1, completed: 0, broken: 0, stalled: 0, connections: 0 });
      expect(sandbox.calls.recent[0]?.outcome).toBe("aborted");
    });
  }

  test("a reader that stops reading makes it stall, with flat memory, and go on when reading goes on", async () => {
    const asked = standOf(sandbox, name).request("[sandbox: huge tokens=1000000]", { stream: true });
    await eventually(() => asked.received().body.length > 0, "the first bytes");
    asked.socket.pause();
    Bun.gc(true);
    const before = process.memoryUsage().rss;
    const written = await settled();
    Bun.gc(true);
    expect(process.memoryUsage().rss - before).toBeLessThan(24 * MEBIBYTE);
    // What the kernel takes for both sockets; the whole answer has some 200 MB.
    expect(written).toBeLessThan(32 * MEBIBYTE);

    asked.socket.removeAllListeners("data");
    asked.socket.on("data", () => {});
    asked.socket.resume();
    await eventually(() => sandbox.calls.counts.bytesWritten > written, "more bytes");
    asked.socket.pause();
    await eventually(() => sandbox.calls.counts.stalled === 1, "the next stall");
    asked.socket.destroy();
    await eventually(() => sandbox.calls.counts.open === 0, "the abort");
    expect(sandbox.calls.counts).toMatchObject({ aborted: 1, stalled: 0 });
  });

  test("600 streams are open at one moment, and one that comes then is answered", async () => {
    const stand = standOf(sandbox, name);
    const crowd = Array.from({ length: 600 }, () => stand.request("[sandbox: stall after=1]", { stream: true }));
    await eventually(() => crowd.every((asked) => asked.readAtMs.length > 0), "600 first bytes");
    expect(sandbox.calls.counts).toMatchObject({ open: 600, peak: 600, connections: 600 });
    expect((await stand.ask("Hello!", { stream: true })).isDone).toBe(true);
    for (const asked of crowd) asked.socket.destroy();
    await eventually(() => sandbox.calls.counts.open === 0, "600 aborts");
    expect(sandbox.calls.counts).toMatchObject({ opened: 601, peak: 601, aborted: 600, completed: 1, connections: 0 });
  });

  test("an answer that a directive broke is counted as broken, not as left", async () => {
    const stand = standOf(sandbox, name);
    for (const says of ["cut after=1", "hang-up", "malformed"]) await stand.ask(`[sandbox: ${says}]`, { stream: true });
    await eventually(() => sandbox.calls.counts.open === 0, "the end");
    expect(sandbox.calls.counts).toMatchObject({ broken: 3, aborted: 0, completed: 0 });
  });
});

test("a request that ends in its middle is an abort, and nothing is answered", async () => {
  const half = exchange({
    url: sandbox.bedrock.url,
    path: `/model/${MODEL}/invoke`,
    headers: { "content-length": "1000" },
    body: '{"max_',
  });
  await eventually(() => sandbox.calls.counts.open === 1, "the call");
  half.socket.destroy();
  await eventually(() => sandbox.calls.counts.open === 0, "the abort");
  expect(sandbox.calls.recent[0]).toMatchObject({ outcome: "aborted", status: 0, bytesWritten: 0 });
});

test("close() ends open calls and frees the port", async () => {
  const asked = standOf(sandbox, "bedrock").request("[sandbox: stall after=1]", { stream: true });
  await eventually(() => asked.received().body.length > 0, "the first bytes");
  const port = Number(new URL(sandbox.bedrock.url).port);
  await sandbox.close();
  await asked.over;
  expect(asked.received().isWhole).toBe(false);
  sandbox = await startSandbox({ port });
  expect((await standOf(sandbox, "bedrock").ask("Hello!")).status).toBe(200);
});

describe("/sandbox/calls", () => {
  const inspect = async (method: string, path = "/sandbox/calls") => {
    const asked = exchange({ url: sandbox.bedrock.url, path, method });
    await asked.over;
    return { status: asked.received().status, json: JSON.parse(asked.received().body.toString()) };
  };

  test("GET shows the counts and the last calls, credentials masked; itself it does not count", async () => {
    await standOf(sandbox, "azure").ask("Hello!");
    await standOf(sandbox, "bedrock").ask("Hello!", { top_k: -1 });
    const { json } = await inspect("GET");
    expect(json).toMatchObject({ opened: 2, open: 0, completed: 2 });
    expect(json.recent.map(({ status, headers }: { status: number; headers: object }) => [status, headers])).toMatchObject([
      [200, { "api-key": "***" }],
      [400, { authorization: "Bearer ***" }],
    ]);
    expect(json.recent[0].body.messages).toEqual([{ role: "user", content: "Hello!" }]);
    const shown = JSON.stringify(json);
    for (const secret of [...sandbox.credentials.apiKeys, ...sandbox.credentials.bearerTokens]) expect(shown).not.toContain(secret);
  });

  test("DELETE forgets what is over and keeps counting what is open", async () => {
    const asked = standOf(sandbox, "bedrock").request("[sandbox: stall]");
    await eventually(() => sandbox.calls.counts.open === 1, "the call");
    await standOf(sandbox, "azure").ask("Hello!");
    await inspect("DELETE");
    expect((await inspect("GET")).json).toMatchObject({ opened: 1, open: 1, peak: 1, completed: 0, recent: [] });
    asked.socket.destroy();
    await eventually(() => sandbox.calls.counts.open === 0, "the abort");
    expect(sandbox.calls.counts.aborted).toBe(1);
  });

  test("there is nothing else under /sandbox", async () => {
    expect(await inspect("GET", "/sandbox/else")).toEqual({ status: 404, json: { error: "nothing at /sandbox/else; try /sandbox/calls" } });
  });

  test("only the last calls are kept, and bodies above a mebibyte are not", async () => {
    const small = await startSandbox({ remember: 2 });
    const stand = standOf(small, "azure");
    for (const says of ["one", "two", "x".repeat(MEBIBYTE)]) await stand.ask(says);
    expect(small.calls.recent.map(({ body }) => body === undefined)).toEqual([false, true]);
    expect(small.calls.recent[1]?.bodyBytes).toBeGreaterThan(MEBIBYTE);
    await small.close();
  });
});
