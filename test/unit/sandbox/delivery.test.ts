/** Clients that leave, clients that read slowly, and many clients at the same time. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { type Exchange, exchange } from "../../support/exchange.ts";
import { eventually, pause } from "../../support/waits.ts";
import { MODEL, STAND_INS, standInOf } from "./stand-ins.ts";

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startSandbox();
});
afterEach(() => sandbox.close());

const MEBIBYTE = 1024 * 1024;

/** The bytes that were written when no more follow for a fifth of a second. Before that, the kernel enlarges its buffers a few times. */
async function settled(): Promise<number> {
  const { counts } = sandbox.calls;
  for (let rounds = 0; rounds < 20; rounds++) {
    const written = counts.bytesWritten;
    await pause(200);
    if (counts.stalled === 1 && counts.bytesWritten === written) return written;
  }
  throw new Error("it still writes to a client that reads no more");
}

describe.each([...STAND_INS])("%s", (name) => {
  const PLACES: [where: string, says: string, stream: boolean, hasBegun: (asked: Exchange) => boolean][] = [
    ["before the head", "[sandbox: stall]", true, () => sandbox.calls.counts.open === 1],
    ["during the wait for a whole answer", "[sandbox: pace=10000]", false, () => sandbox.calls.counts.open === 1],
    ["in the silence of a stream", "[sandbox: stall after=1]", true, (asked) => asked.received().body.length > 0],
    ["in the middle of a whole answer", "[sandbox: stall after=1]", false, (asked) => asked.received().body.length > 0],
    ["between two paced tokens", "[sandbox: pace=50 tokens=1000]", true, (asked) => asked.received().body.length > 0],
  ];
  for (const [where, says, stream, hasBegun] of PLACES) {
    test(`a client that leaves ${where} is counted at once`, async () => {
      const asked = standInOf(sandbox, name).request(says, { stream });
      await eventually(() => hasBegun(asked), "the call");
      asked.socket.destroy();
      // What the sandbox would wait for by itself is ten seconds away or more.
      await eventually(() => sandbox.calls.counts.open === 0, "the abort", 5_000);
      expect(sandbox.calls.counts).toMatchObject({ aborted: 1, completed: 0, broken: 0, stalled: 0, connections: 0 });
      expect(sandbox.calls.recent[0]?.outcome).toBe("aborted");
    });
  }

  test("while a client does not read, the answer waits and memory does not grow; it goes on when the client reads again", async () => {
    const asked = standInOf(sandbox, name).request("[sandbox: huge tokens=1000000]", { stream: true });
    await eventually(() => asked.received().body.length > 0, "the first bytes");
    asked.socket.pause();
    Bun.gc(true);
    const before = process.memoryUsage().rss;
    const written = await settled();
    Bun.gc(true);
    expect(process.memoryUsage().rss - before).toBeLessThan(24 * MEBIBYTE);
    // This is what the kernel buffers for both sockets; the whole answer has some 200 MB.
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

  test("with 600 open streams, one more call is answered", async () => {
    const standIn = standInOf(sandbox, name);
    const crowd = Array.from({ length: 600 }, () => standIn.request("[sandbox: stall after=1]", { stream: true }));
    await eventually(() => crowd.every((asked) => asked.readAtMs.length > 0), "600 first bytes");
    expect(sandbox.calls.counts).toMatchObject({ open: 600, peak: 600, connections: 600 });
    expect((await standIn.ask("Hello!", { stream: true })).isDone).toBe(true);
    for (const asked of crowd) asked.socket.destroy();
    await eventually(() => sandbox.calls.counts.open === 0, "600 aborts");
    expect(sandbox.calls.counts).toMatchObject({ opened: 601, peak: 601, aborted: 600, completed: 1, connections: 0 });
  });

  test("an answer that a directive has broken is counted as broken, not as aborted", async () => {
    const standIn = standInOf(sandbox, name);
    for (const says of ["cut after=1", "hang-up", "malformed"]) await standIn.ask(`[sandbox: ${says}]`, { stream: true });
    await eventually(() => sandbox.calls.counts.open === 0, "the end");
    expect(sandbox.calls.counts).toMatchObject({ broken: 3, aborted: 0, completed: 0 });
  });
});

test("a request that breaks off counts as aborted, and has no answer", async () => {
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
  const asked = standInOf(sandbox, "bedrock").request("[sandbox: stall after=1]", { stream: true });
  await eventually(() => asked.received().body.length > 0, "the first bytes");
  const port = Number(new URL(sandbox.bedrock.url).port);
  await sandbox.close();
  await asked.over;
  expect(asked.received().isWhole).toBe(false);
  sandbox = await startSandbox({ port });
  expect((await standInOf(sandbox, "bedrock").ask("Hello!")).status).toBe(200);
});

describe("/sandbox/calls", () => {
  const inspect = async (method: string, path = "/sandbox/calls") => {
    const asked = exchange({ url: sandbox.bedrock.url, path, method });
    await asked.over;
    return { status: asked.received().status, json: JSON.parse(asked.received().body.toString()) };
  };

  test("GET shows the counts and the last calls with masked credentials, and does not count itself", async () => {
    await standInOf(sandbox, "azure").ask("Hello!");
    await standInOf(sandbox, "bedrock").ask("Hello!", { top_k: -1 });
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

  test("DELETE forgets calls that are over, and keeps those that are open", async () => {
    const asked = standInOf(sandbox, "bedrock").request("[sandbox: stall]");
    await eventually(() => sandbox.calls.counts.open === 1, "the call");
    await standInOf(sandbox, "azure").ask("Hello!");
    await inspect("DELETE");
    expect((await inspect("GET")).json).toMatchObject({ opened: 1, open: 1, peak: 1, completed: 0, recent: [] });
    asked.socket.destroy();
    await eventually(() => sandbox.calls.counts.open === 0, "the abort");
    expect(sandbox.calls.counts.aborted).toBe(1);
  });

  test("any other path under /sandbox is a 404", async () => {
    expect(await inspect("GET", "/sandbox/else")).toEqual({ status: 404, json: { error: "nothing at /sandbox/else; try /sandbox/calls" } });
  });

  test("only the last calls are kept, and bodies above a mebibyte are not", async () => {
    const small = await startSandbox({ remember: 2 });
    const standIn = standInOf(small, "azure");
    for (const says of ["one", "two", "x".repeat(MEBIBYTE)]) await standIn.ask(says);
    expect(small.calls.recent.map(({ body }) => body === undefined)).toEqual([false, true]);
    expect(small.calls.recent[1]?.bodyBytes).toBeGreaterThan(MEBIBYTE);
    await small.close();
  });
});
