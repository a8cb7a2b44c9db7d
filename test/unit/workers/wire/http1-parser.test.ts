import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { request } from "node:http";
import {
  AnswerParser,
  MAX_ALL_EXTENSION_BYTES,
  MAX_EXTENSION_BYTES,
  MAX_HEAD_BYTES,
  MAX_HEADERS,
  MAX_INTERIM,
  MAX_LINE_BYTES,
} from "../../../../workers/wire/http1-parser.ts";
import { GOOD, MALFORMED, mutated, random } from "./http-answers.ts";
import { answering } from "./http-peers.ts";

interface Reading {
  status: number;
  headers: [string, string][];
  body: string;
  /** `complete`, `cut short` or what is malformed. */
  result: string;
  persistent: boolean;
  surplus: boolean;
}

/** Reads pieces and then the end of the connection. */
function read(pieces: readonly string[]): Reading {
  const reading: Reading = { status: 0, headers: [], body: "", result: "", persistent: false, surplus: false };
  const parser = new AnswerParser({
    head(status, headers) {
      if (reading.status !== 0) throw new Error("a second head");
      reading.status = status;
      reading.headers = [...headers];
    },
    chunk(bytes) {
      if (reading.status === 0) throw new Error("a body before its head");
      if (bytes.length === 0) throw new Error("an empty chunk");
      reading.body += Buffer.from(bytes).toString("latin1");
    },
  });
  for (const piece of pieces) parser.push(Buffer.from(piece, "latin1"));
  parser.close();
  reading.result = parser.error ?? (parser.done ? "complete" : "cut short");
  reading.persistent = parser.persistent;
  reading.surplus = parser.surplus;
  return reading;
}

describe("an answer is the same however it is cut", () => {
  for (const [name, answer, body, persistent] of GOOD)
    test(name, () => {
      const whole = read([answer]);
      expect(whole).toMatchObject({ body, persistent, result: "complete", surplus: false });
      for (let at = 1; at < answer.length; at++) expect([at, read([answer.slice(0, at), answer.slice(at)])]).toEqual([at, whole]);
      expect(read([...answer])).toEqual(whole);
    });

  for (const [name, answer] of MALFORMED)
    test(`malformed: ${name}`, () => {
      const whole = read([answer]);
      expect(whole.result).not.toBe("complete");
      expect(whole.result).not.toBe("cut short");
      const step = Math.ceil(answer.length / 400);
      for (let at = 1; at < answer.length; at += step) {
        const reading = read([answer.slice(0, at), answer.slice(at)]);
        expect(["complete", "cut short"]).not.toContain(reading.result);
        expect(whole.body.startsWith(reading.body) || reading.body.startsWith(whole.body)).toBe(true);
      }
      if (answer.length < 1000) expect(["complete", "cut short"]).not.toContain(read([...answer]).result);
    });
});

test("every beginning of an answer is cut short, and none is complete", () => {
  for (const [name, answer] of GOOD) {
    if (name === "until close") continue;
    for (let at = 0; at < answer.length; at++) expect([name, at, read([answer.slice(0, at)]).result]).toEqual([name, at, "cut short"]);
  }
});

test("the limits hold to the byte", () => {
  const head = (line: string) => `HTTP/1.1 200 OK\r\n${line}content-length: 0\r\n\r\n`;
  const rest = head("").length - 4;
  expect(read([head(`x: ${"a".repeat(MAX_LINE_BYTES - 3)}\r\n`)]).result).toBe("complete");
  expect(read([head(`x: ${"a".repeat(MAX_LINE_BYTES - 2)}\r\n`)]).result).toMatch(/^a header longer than/);
  expect(read([head("x: a\r\n".repeat(MAX_HEADERS - 1))]).result).toBe("complete");
  expect(read([head("x: a\r\n".repeat(MAX_HEADERS))]).result).toMatch(/^more than 200 headers/);
  const filler = (bytes: number) => {
    const lines = `x: ${"a".repeat(9_995)}\r\n`.repeat(6);
    return `${lines}x: ${"a".repeat(bytes - lines.length - 5)}\r\n`;
  };
  expect(read([head(filler(MAX_HEAD_BYTES - rest))]).result).toBe("complete");
  expect(read([head(filler(MAX_HEAD_BYTES - rest + 1))]).result).toMatch(/^more than 65536 bytes/);
  const extension = (bytes: number) => `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;${"e".repeat(bytes)}\r\nok\r\n0\r\n\r\n`;
  expect(read([extension(MAX_EXTENSION_BYTES)]).result).toBe("complete");
  expect(read([extension(MAX_EXTENSION_BYTES + 1)]).result).toMatch(/extensions/);
  const chunks = `2;${"e".repeat(MAX_EXTENSION_BYTES)}\r\nok\r\n`;
  const many = (count: number) => `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunks.repeat(count)}0\r\n\r\n`;
  expect(read([many(MAX_ALL_EXTENSION_BYTES / MAX_EXTENSION_BYTES)]).result).toBe("complete");
  expect(read([many(MAX_ALL_EXTENSION_BYTES / MAX_EXTENSION_BYTES + 1)]).result).toMatch(/extensions in all/);
  const interim = (count: number) => `${"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(count)}HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n`;
  expect(read([interim(MAX_INTERIM)]).result).toBe("complete");
  expect(read([interim(MAX_INTERIM + 1)]).result).toMatch(/interim/);
});

test("bytes after the end are surplus, and reported", () => {
  for (const [name, answer, body] of GOOD) {
    if (name === "until close") continue;
    expect([name, read([`${answer}x`])]).toEqual([name, expect.objectContaining({ body, surplus: true, result: "complete" })]);
    expect([name, read([answer, "x"])]).toEqual([name, expect.objectContaining({ body, surplus: true, result: "complete" })]);
  }
});

test("body bytes are handed on as views of what came, not copied", () => {
  const seen: Uint8Array[] = [];
  const parser = new AnswerParser({ head() {}, chunk: (bytes) => seen.push(bytes) });
  parser.push(Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n"));
  const whole = Buffer.from("half");
  parser.push(whole);
  const withMore = Buffer.from("tailmore");
  parser.push(withMore);
  expect(seen[0]).toBe(whole);
  expect(seen[1]?.buffer).toBe(withMore.buffer);
  expect(Buffer.from(seen[1] ?? []).toString()).toBe("tail");
});

test("chunks that came in one piece are handed on as one", () => {
  const seen: string[] = [];
  const parser = new AnswerParser({ head() {}, chunk: (bytes) => seen.push(Buffer.from(bytes).toString()) });
  parser.push(Buffer.from("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntw"));
  parser.push(Buffer.from("o\r\n5;why=not\r\nthree\r\n4\r\nfour\r\n"));
  parser.push(Buffer.from("4\r\nfive\r\n0\r\n\r\nsurplus"));
  expect(seen).toEqual(["onetw", "othreefour", "five"]);
  expect(parser).toMatchObject({ done: true, surplus: true, error: undefined });
});

test("20,000 mutated answers never throw, and each cut of one gives what the whole gives", () => {
  const next = random(1);
  const results = new Set<string>();
  for (let round = 0; round < 20_000; round++) {
    const text = mutated(next);
    const whole = read([text]);
    results.add(whole.result);
    const at = next(text.length + 1);
    const cut = read([text.slice(0, at), text.slice(at)]);
    // What is malformed may be named by what was seen first; all else is equal.
    const failed = (reading: Reading) => reading.result !== "complete" && reading.result !== "cut short";
    if (failed(whole) || failed(cut)) expect([text, at, failed(cut)]).toEqual([text, at, failed(whole)]);
    else expect([text, at, cut]).toEqual([text, at, whole]);
    if (text.length < 300 && round % 20 === 0) expect([text, failed(read([...text]))]).toEqual([text, failed(whole)]);
  }
  expect(results.size).toBeGreaterThan(12);
});

interface Answer {
  status: number;
  headers: string;
  body: string;
}

/** What `node:http`'s client makes of the same bytes; undefined where it refuses. */
function nodeHttp(port: number): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const outgoing = request(
      { host: "127.0.0.1", port, method: "POST", path: "/", agent: false, headers: { "content-length": 0 } },
      (incoming) => {
        let body = "";
        incoming.setEncoding("latin1");
        incoming.on("data", (text: string) => {
          body += text;
        });
        incoming.on("error", () => resolve(undefined));
        incoming.on("end", () =>
          resolve(incoming.complete ? { status: incoming.statusCode ?? 0, headers: joined(incoming.rawHeaders), body } : undefined),
        );
      },
    );
    outgoing.on("error", () => resolve(undefined));
    outgoing.on("upgrade", (_incoming, socket) => {
      socket.destroy();
      resolve(undefined);
    });
    outgoing.end();
  });
}

/** Headers in one form: lower case, repeated ones joined, blanks of no meaning gone. */
function joined(raw: readonly string[]): string {
  const headers = new Map<string, string>();
  for (let at = 0; at < raw.length; at += 2) {
    const name = (raw[at] ?? "").toLowerCase();
    const value = (raw[at + 1] ?? "").replace(/^[\t ]+|[\t ]+$/g, "");
    const earlier = headers.get(name);
    headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
  }
  return JSON.stringify([...headers]);
}

/** Where we and `node:http` (llhttp) part, and why ours is right. */
const DIFFERENCES: readonly { reason: string; applies(text: string, ours: Reading): boolean }[] = [
  {
    reason: "We know HTTP/1.0 and HTTP/1.1, and RFC 9110 §15 ends with 599; llhttp also reads HTTP/0.9 and HTTP/2.0 and any three digits.",
    applies: (_text, { result }) => result.startsWith("no valid status line"),
  },
  {
    reason:
      "Of transfer-encodings we can undo `chunked` only; what llhttp passes on as chunked may be compressed too, or be no chunks at all.",
    applies: (_text, { result }) => result === "a transfer-encoding other than chunked" || result === '"transfer-encoding" appears twice',
  },
  {
    reason:
      "Bytes after a whole answer: llhttp refuses the answer where they come in one read with its end. We deliver it, since its own framing says where it ends, and close.",
    applies: (_text, { result, surplus }) => result === "complete" && surplus,
  },
  { reason: "Limits of our own.", applies: (_text, { result }) => /^more than (?:200 headers|4096 bytes)/.test(result) },
  {
    reason: "RFC 9112 §7.1.1 allows blanks around the semicolon of a chunk extension; llhttp does not. Nothing is read from extensions.",
    applies: (text, { result }) => result === "complete" && /\r\n[0-9a-f]+;[^\r]*[\t ]/i.test(text),
  },
];

test("node:http's client reads the same bytes the same way, or both refuse", async () => {
  const next = random(7);
  const texts = [
    ...GOOD.map(([, answer]) => answer),
    ...MALFORMED.map(([, answer]) => answer),
    ...Array.from({ length: 1500 }, () => mutated(next)),
  ];
  const surprises: unknown[] = [];
  for (const text of texts) {
    const peer = await answering(text, true);
    const theirs = await nodeHttp(peer.origin.port);
    peer.close();
    const reading = read([text]);
    const ours =
      reading.result === "complete" ? { status: reading.status, headers: joined(reading.headers.flat()), body: reading.body } : undefined;
    if (Bun.deepEquals(ours, theirs)) continue;
    if (!DIFFERENCES.some(({ applies }) => applies(text, reading))) surprises.push({ text, result: reading.result, ours, theirs });
  }
  expect(surprises.map((surprise) => JSON.stringify(surprise))).toEqual([]);
}, 30_000);
