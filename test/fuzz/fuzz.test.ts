/** Some of the inputs of `bun run fuzz`, the same in every run. */
import { describe, expect, test } from "bun:test";
import { readAnswers } from "./answers.ts";
import { inputOf } from "./inputs.ts";
import { type Finding, fuzz, KEYS } from "./run.ts";
import { flawsOf } from "./verdict.ts";

const SEED = 20_261_129;
const TIMEOUT_MS = 30_000;

for (const { runtime, workers, from, count } of [
  { runtime: "bun", workers: 2, from: 0, count: 2_500 },
  { runtime: "bun", workers: 0, from: 2_500, count: 1_000 },
  { runtime: "deno", workers: 2, from: 3_500, count: 1_000 },
] as const) {
  test(
    `${count} inputs of every kind: no 5xx of our own, no crash, no hang, always the route's dialect (${runtime}, ${workers} workers)`,
    async () => {
      const findings: Finding[] = [];
      const { met, aftermath } = await fuzz({ seed: SEED, from, count, runtime, workers, onFinding: (finding) => findings.push(finding) });
      const shown = findings.map(
        ({ index, flaws }) => `bun run fuzz --runtime ${runtime} --seed ${SEED} --from ${index} --count 1: ${flaws.join("; ")}`,
      );
      expect(shown).toEqual([]);
      expect(aftermath).toEqual([]);
      // Not all were refused at the door: each kind of answer was met.
      for (const status of ["200", "400", "401", "404", "405", "413", "429"]) expect(Object.keys(met)).toContain(status);
    },
    TIMEOUT_MS,
  );
}

describe("an input", () => {
  test("is the same for the same seed and number, and another for any other", () => {
    const textOf = (seed: number, index: number) => JSON.stringify(inputOf(seed, index, KEYS, Buffer.alloc(0)));
    expect(textOf(1, 5)).toBe(textOf(1, 5));
    expect(new Set([textOf(1, 5), textOf(1, 6), textOf(2, 5), textOf(2, 6)]).size).toBe(4);
  });
});

describe("the verdict", () => {
  const input = {
    ...inputOf(1, 1, KEYS, Buffer.alloc(0)),
    method: "POST",
    target: "/openai/eu/v1/chat/completions",
    packets: [Buffer.from("x")],
    afterwards: "wait" as const,
    isSound: true,
    isTold: false,
    isFollowed: false,
  };
  const flaws = (raw: string, more: object = {}, ending: "closed" | "hung" = "closed") => {
    const { answers, rest, flaw } = readAnswers(Buffer.from(raw), true, false);
    return flawsOf({ ...input, ...more }, { answers, rest, flaw, ending, next: [] });
  };
  const answer = (status: number, body: string, fields = "content-type: application/json\r\nrequest-id: r\r\nx-request-id: r\r\n") =>
    `HTTP/1.1 ${status} X\r\n${fields}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  const told = '{"error":{"message":"m","type":"t","param":null,"code":null}}';
  const anthropic = '{"type":"error","error":{"type":"t","message":"m"},"request_id":"r"}';

  test("lets pass what is right", () => {
    expect(flaws(answer(400, told))).toEqual([]);
    expect(flaws(answer(200, "{}"))).toEqual([]);
    expect(flaws(answer(500, told), { isTold: true })).toEqual([]);
    expect(flaws("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n", { isSound: false })).toEqual([]);
  });

  // As `plainError` of `src/http/written.ts` writes it.
  const plain = '{"type":"error","error":{"type":"t","message":"m","param":null,"code":null}}';
  const closing = "content-type: application/json\r\nconnection: close\r\n";

  test("knows our error without a dialect: to what is no HTTP, and behind an answer that came before the body was seen to be none", () => {
    expect(flaws(answer(400, plain, closing), { isSound: false })).toEqual([]);
    expect(flaws(answer(401, told) + answer(400, plain, closing), { isSound: false })).toEqual([]);
    const kept = "content-type: application/json\r\n";
    expect(flaws(answer(400, plain, kept), { isSound: false }).join("; ")).toMatch(/in no dialect/);
    expect(flaws(answer(400, '{"error":{"message":"m"}}', closing), { isSound: false }).join("; ")).toMatch(/in no dialect/);
    expect(flaws(answer(401, told) + answer(400, plain, kept), { isSound: false }).join("; ")).toMatch(/2 answers/);
  });

  test("lets a request behind one without a length and without an encoding be answered too", () => {
    const bare = inputOf(79, 19_797, KEYS, Buffer.alloc(0));
    const [head = "", rest = ""] = Buffer.concat(bare.packets).toString("latin1").split("\r\n\r\n");
    expect([/^(?:content-length|transfer.encoding)/im.test(head), rest.includes("GET /healthz"), bare.isFollowed]).toEqual([
      false,
      true,
      true,
    ]);
    expect(flaws(answer(404, told) + answer(404, told), { ...bare, target: input.target })).toEqual([]);
  });

  test("finds what is wrong", () => {
    for (const [raw, found, more] of [
      ["", /not answered/],
      [answer(500, told), /^500/],
      [answer(503, told), /^503/],
      [answer(400, anthropic), /dialect anthropic where it is openai/],
      [answer(400, "Bad Request"), /in no dialect/],
      [answer(400, told, "content-type: text/html\r\n"), /content-type text\/html/],
      [answer(400, told, "content-type: application/json\r\n"), /without an id/],
      [answer(429, told), /retry-after/],
      [answer(200, "{"), /no JSON/],
      [answer(400, told) + answer(200, "{}"), /2 answers/],
      [answer(400, told) + answer(200, "{}"), /2 answers/, { isSound: false }],
      [answer(400, told).slice(0, -3), /not whole/],
      [answer(200, 'data: {"x":1}\n\n', "content-type: text/event-stream\r\n"), /not complete/],
      [answer(200, 'data: {"x":\n\n', "content-type: text/event-stream\r\n"), /no JSON/],
      ["HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\n{}", /stands twice/],
      ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nab\r\n0\r\n\r\n", /chunk/],
      ["SSH-2.0\r\n\r\n", /status line/],
    ] as const) {
      expect([raw, flaws(raw, more ?? {}).join("; ")]).toEqual([raw, expect.stringMatching(found)]);
    }
    expect(flaws("", {}, "hung")).toEqual([expect.stringMatching(/^hung/)]);
  });
});
