/** Whole answers that come from many upstreams at once, or stay half said: a thread holds so much of them and no more. */
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { azureEmbeddings } from "../../workers/providers/azure/embeddings.ts";
import { Gathered, gathered } from "../../workers/providers/gathered.ts";
import { WholeAnswer } from "../../workers/providers/whole-answer.ts";
import { job } from "../providers/upstream.ts";
import { CLOUDS, sceneOf } from "./scene.ts";

const MIB = 1024 * 1024;
const MOST_MIB = 256;

const answer = (among: Gathered) => new WholeAnswer("u", () => "", { among });

test("beyond the bound the largest answer is given up, and the others are not", () => {
  const among = new Gathered(100);
  const [small, large, another] = [answer(among), answer(among), answer(among)];
  small.push(Buffer.alloc(10));
  large.push(Buffer.alloc(60));
  another.push(Buffer.alloc(29));
  expect(among.bytes).toBe(99);
  small.push(Buffer.alloc(2));
  expect(large.error?.kind).toBe("overloaded");
  expect(large.held).toBe(0);
  expect([small.error, another.error]).toEqual([undefined, undefined]);
  expect(among.bytes).toBe(41);
  // What still comes of it is not kept.
  large.push(Buffer.alloc(1000));
  expect(among.bytes).toBe(41);
});

test("an answer that has ended, or whose call is over, holds nothing", () => {
  const among = new Gathered(100);
  const [ended, left, broken] = [answer(among), answer(among), new WholeAnswer("u", () => "", { among, mostBytes: 20 })];
  for (const one of [ended, left, broken]) one.push(Buffer.alloc(15));
  ended.end();
  left.letGo();
  left.letGo();
  broken.push(Buffer.alloc(15));
  expect(among.bytes).toBe(0);
});

test("calls whose upstreams send tens of megabytes and never end hold no more than the bound, and the one that lost says why", async () => {
  const scenes = await Promise.all(
    Array.from({ length: 6 }, () => sceneOf(CLOUDS.azure, "openai", { operation: "embeddings", stream: false })),
  );
  const piece = Buffer.alloc(MIB, "a");
  const before = gathered.bytes;
  for (const { events } of scenes) {
    events.head(200, new Map());
    for (let mebibytes = 0; mebibytes < 50; mebibytes++) events.chunk(piece);
  }
  expect(gathered.bytes - before).toBeLessThanOrEqual(MOST_MIB * MIB);
  expect(gathered.bytes - before).toBeGreaterThan((MOST_MIB - 64) * MIB);
  for (const { events } of scenes) events.chunk(Buffer.from("a"));
  const lost = scenes.filter((scene) => scene.end() !== undefined);
  expect(lost.map((scene) => scene.end())).toEqual(["overloaded"]);
  expect(lost[0]?.detail()).toContain("too large for the room");
  // An upstream that closes in the middle, as all of them do at last.
  for (const scene of scenes) if (scene.end() === undefined) scene.events.fail({ reason: "broken", text: "closed", beforeFirstByte: false });
  expect(gathered.bytes).toBe(before);
});

test("an embedding that is left before its end is no text that its workspace pays for", () => {
  const reader = azureEmbeddings.reader(job({ operation: "embeddings" }), { upstream: "u", deployment: "d" });
  reader.push(Buffer.alloc(MIB, "1"));
  expect(reader.written).toBe(0);
});
