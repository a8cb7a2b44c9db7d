/** Clients that go away, and clients that stop reading. */
import { describe, expect } from "bun:test";
import { readFileSync } from "node:fs";
import process from "node:process";
import type { CallRecord } from "../../src/sandbox/calls.ts";
import { filler } from "../../src/sandbox/model/tokens.ts";
import { eventually, pause, promptly } from "../support/waits.ts";
import type { Answered, Call } from "./client.ts";
import { DIALECTS, type Spoken } from "./dialects.ts";
import { KEY, type World } from "./world.ts";

/** Some 500 MB upstream and 240 MB for the client: to hold even a part of it would show. */
const VAST_TOKENS = 2_000_000;
/** What a paused stream may leave on the way: the windows and queues of the gateway, and what the system's sockets hold of two connections. */
const MOST_ON_THE_WAY_MB = 40;
const MOST_GROWTH_MB = 64;
/** Some 40 MB upstream, of which less than half fits into sockets: read to its end after the pause. */
const HUGE_TOKENS = 160_000;
const HUGE_TEXT = [...filler(HUGE_TOKENS)].join("");
/** Far above what a neighbour takes (a few ms), far below the seconds that a blocked thread would add. A busy machine takes longer without any stream. */
const NEIGHBOUR_MS = 500;
const TIMES_LONGER = 4;

export function specifyLeaving(world: World): void {
  for (const dialect of DIALECTS) describe(dialect.name, () => specifyDialect(world, dialect));
}

function specifyDialect(world: World, dialect: Spoken): void {
  for (const stream of [true, false]) {
    for (const isApart of [false, true]) {
      const how = `${stream ? "streaming" : "not streaming"}${isApart ? ", its body in another packet" : ""}`;
      world.sentence(`a client that leaves before the first byte ends the upstream call at once (${how})`, async () => {
        const name = unique();
        const call = world.open(dialect, { stream, isApart, prompt: `[sandbox: stall] ${name}` });
        await eventually(() => upstreamCall(world, name) !== undefined, "the call upstream");
        await leave(world, call, name);
      });
    }
  }

  world.sentence("a client that leaves in the middle of a stream ends the upstream call at once, though nothing more is sent", async () => {
    const name = unique();
    const call = world.open(dialect, { stream: true, prompt: `[sandbox: tokens=50 stall after=3] ${name}` });
    await call.until((text) => dialect.streamedText(text) !== "");
    await leave(world, call, name);
  });

  world.sentence("a client that leaves in the middle of sending a large body leaves nothing behind", async () => {
    const before = world.sandbox.calls.counts.opened;
    const cancelled = cancellations(world);
    for (const length of [1_000, 1_000_000]) {
      const call = world.call({ path: dialect.path, headers: { "x-api-key": KEY }, body: "{", declaredLength: length });
      await pause(50);
      call.leave();
    }
    await eventually(() => cancellations(world) === cancelled + 2, "both to be logged as cancelled");
    expect((await world.ask(dialect)).status).toBe(200);
    expect(world.sandbox.calls.counts.opened).toBe(before + 1);
  });

  world.sentence(
    "a client that stops reading a very large stream makes the upstream wait; memory stays flat and its neighbours do not notice",
    async () => {
      const neighbours = () => Promise.all(Array.from({ length: 5 }, () => world.ask(dialect, { prompt: "[sandbox: pace=0] hello" })));
      await world.ask(dialect, { stream: true, prompt: "[sandbox: huge tokens=20000 pace=0]" });
      await neighbours();
      const calmMs = await timeOf(neighbours);
      const beforeMb = residentMb(world);
      const { call, name } = await pausedStream(world, dialect, VAST_TOKENS);
      expect(upstreamCall(world, name)?.outcome).toBe("open");
      expect((upstreamCall(world, name)?.bytesWritten ?? 0) / 2 ** 20).toBeLessThan(MOST_ON_THE_WAY_MB);
      const besideMs = Math.min(await timeOf(neighbours), await timeOf(neighbours));
      expect(besideMs).toBeLessThan(Math.max(NEIGHBOUR_MS, TIMES_LONGER * calmMs));
      // What the neighbours' calls threw away goes back in a moment; what is kept of the stream would not.
      await eventually(() => residentMb(world) - beforeMb < MOST_GROWTH_MB, `the memory to be within ${MOST_GROWTH_MB} MB`, 5_000);
      await leave(world, call, name);
    },
  );

  world.sentence(
    "a client that goes on reading after a pause gets every byte",
    async () => {
      const { call } = await pausedStream(world, dialect, HUGE_TOKENS);
      call.resume();
      const { text, whole } = await call.answered;
      expect(whole).toBe(true);
      expect(dialect.isComplete(text)).toBe(true);
      const received = dialect.streamedText(text);
      expect(received.length).toBe(HUGE_TEXT.length);
      expect(received === HUGE_TEXT).toBe(true);
    },
    60_000,
  );
}

/** Milliseconds until all of these calls are answered, and well. */
async function timeOf(calls: () => Promise<Answered[]>): Promise<number> {
  const startedMs = performance.now();
  for (const { status } of await calls()) expect(status).toBe(200);
  return performance.now() - startedMs;
}

/** A stream whose client has stopped reading, once the upstream has noticed. */
async function pausedStream(world: World, dialect: Spoken, tokens: number): Promise<{ call: Call; name: string }> {
  const name = unique();
  const call = world.open(dialect, { stream: true, prompt: `[sandbox: huge tokens=${tokens} pace=0] ${name}` });
  expect(await call.head).toBe(200);
  call.pause();
  let written = -1;
  await eventually(async () => {
    const now = upstreamCall(world, name)?.bytesWritten ?? 0;
    const isStill = now === written && world.sandbox.calls.counts.stalled >= 1;
    written = now;
    await pause(200);
    return isStill;
  }, "the upstream to stall");
  return { call, name };
}

async function leave(world: World, call: Call, name: string): Promise<void> {
  const cancelled = cancellations(world);
  call.leave();
  await promptly(() => upstreamCall(world, name)?.outcome === "aborted", "the upstream call to end");
  await eventually(() => cancellations(world) > cancelled, "the call to be logged as cancelled");
}

let names = 0;

function unique(): string {
  names += 1;
  return `call-${names}-of-${process.pid}`;
}

/** What the sandbox saw of the call whose prompt has this name in it. */
function upstreamCall(world: World, name: string): CallRecord | undefined {
  return world.sandbox.calls.recent.findLast(({ body }) => JSON.stringify(body ?? "").includes(name));
}

function cancellations(world: World): number {
  return world.weir.log().filter((line) => line.message === "request" && line.outcome === "cancelled").length;
}

/** Memory of the gateway's process as the system counts it. */
function residentMb(world: World): number {
  const status = readFileSync(`/proc/${world.weir.child.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}
