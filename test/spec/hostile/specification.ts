/** What an upstream that somebody else controls can do to a gateway that others share: nothing but fail its own calls. The same on every runtime, with and without workers. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ServerResponse } from "node:http";
import { eventually } from "../../support/waits.ts";
import type { RuntimeName } from "../../support/weir.ts";
import { chunkFrame, EVENTS, exceptionFrame, frame } from "../../unit/workers/providers/frames.ts";
import { anthropic, openai } from "../dialects.ts";
import { MESSAGE } from "../recorder.ts";
import { AWS, HostileWorld, TOKEN, UNIFIED } from "./world.ts";

const FRAMES = "application/vnd.amazon.eventstream";
const [START = "", ...REST] = EVENTS;
const ODD_DELTA = '{"type":"content_block_delta","index":0,"delta":{"type":"text\\qdelta","text":"x"}}';
const LONG = "too many tokens ".repeat(250_000);
/** Other calls go on meanwhile; by the square of its length that text took minutes. */
const SOON_MS = 5_000;
const MEBIBYTE = Buffer.alloc(1024 * 1024, "x");

const json = (response: ServerResponse, status: number, body: unknown) => {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
};
const escaped = (text: string) => Array.from(text, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");

export function specifyHostile(runtime: RuntimeName, workers: number): void {
  describe(`hostile upstreams, on ${runtime} with ${workers} workers`, () => {
    const world = new HostileWorld(runtime, workers);
    beforeAll(() => world.start(), 30_000);
    afterAll(() => world.stop());

    let release = (): void => {};
    const steady = world.model(anthropic, "steady", (response) => {
      response.writeHead(200, { "content-type": FRAMES });
      response.write(chunkFrame(START));
      release = () => void response.end(Buffer.concat(REST.map((event) => chunkFrame(event))));
    });
    /** Does it while another call is open, which then comes to its good end. */
    const beside = async (act: () => Promise<void>) => {
      const open = world.open({ model: steady, stream: true });
      await open.until((text) => text.includes("message_start"));
      await act();
      release();
      expect(anthropic.isComplete((await open.answered).text)).toBe(true);
    };

    const oddFrame = world.model(anthropic, "odd-frame", (response) => {
      response.writeHead(200, { "content-type": FRAMES });
      response.end(Buffer.concat([START, ODD_DELTA, ...REST].map((event) => chunkFrame(event))));
    });
    test("a frame that is no JSON in the unified answer's eyes costs at most its own call", async () => {
      await beside(async () => {
        const answered = await world.open({ model: oddFrame, stream: true, path: UNIFIED.path }).answered;
        expect(answered.status).toBe(200);
        expect(answered.text).toContain("[DONE]");
      });
    });

    const longFrame = world.model(anthropic, "long-frame", (response) => {
      response.writeHead(200, { "content-type": FRAMES });
      response.end(exceptionFrame("throttlingException", JSON.stringify({ message: LONG })));
    });
    const longAnswer = world.model(anthropic, "long-answer", (response) =>
      json(response, 200, { type: "error", error: { message: LONG } }),
    );
    for (const [what, model, stream] of [
      ["an exception frame", longFrame, true],
      ["a whole answer that is an error", longAnswer, false],
    ] as const) {
      test(`${what} with 4 MB of words holds up no other call`, async () => {
        await beside(async () => {
          const startedMs = performance.now();
          const { status, text } = await world.open({ model, stream }).answered;
          expect(status).toBeGreaterThanOrEqual(429);
          expect(text.length).toBeLessThan(10_000);
          expect(performance.now() - startedMs).toBeLessThan(SOON_MS);
        });
      });
    }

    for (const [nth, number] of ["1e999", "-5", "2.5", "1e300", "12345678901", '"7"'].entries()) {
      const model = world.model(anthropic, `odd-count-${nth}`, (response) =>
        json(
          response,
          200,
          MESSAGE.replace('"output_tokens":2', `"output_tokens":${number}`).replace('"input_tokens":3', `"input_tokens":${number}`),
        ),
      );
      test(`a usage of ${number} tokens is not counted, and logged; what can be counted is`, async () => {
        expect((await world.open({ model }).answered).status).toBe(200);
        const line = await world.logged(model, "ok");
        for (const field of ["input_tokens", "output_tokens"] as const) {
          expect(line[field]).toBeNumber();
          expect(line[field]).toBeWithin(0, 10_000);
        }
        await world.weir.logged(({ cause }) => /upstream "bedrock" reported .* no numbers of tokens/.test(String(cause)));
      });
    }

    for (const dialect of [anthropic, openai]) {
      const secrets = dialect === openai ? [TOKEN] : Object.values(AWS);
      for (const [how, spelled] of [
        ["as they are", (text: string) => JSON.stringify(text)],
        ["in JSON's escapes", (text: string) => `"${escaped(text)}"`],
        ["in base64", (text: string) => JSON.stringify(Buffer.from(`Bearer:${text}`).toString("base64"))],
        ["as in an address", (text: string) => JSON.stringify(encodeURIComponent(text))],
      ] as const) {
        const model = world.model(dialect, `echo-${how.replaceAll(/\W/g, "-")}`, (response, request) => {
          const said = `${JSON.stringify(request.headers)} ${secrets.join(" ")}`;
          response.setHeader(dialect === openai ? "apim-request-id" : "x-amzn-requestid", secrets[0] ?? "");
          json(
            response,
            400,
            `{"error":{"message":${spelled(said)},"code":"x","param":${spelled(secrets[0] ?? "")}},"message":${spelled(said)}}`,
          );
        });
        test(`${dialect.name}: fetched credentials that an upstream repeats ${how} reach neither the client nor the log`, async () => {
          const { status, text } = await world.open({ model }).answered;
          expect(status).toBe(400);
          const line = await world.logged(model, "upstream_rejected");
          for (const secret of secrets) {
            const forms = [secret, encodeURIComponent(secret), Buffer.from(secret.slice(3)).toString("base64").slice(0, 24)];
            for (const form of forms) expect([form, text.includes(form), world.weir.output().includes(form)]).toEqual([form, false, false]);
          }
          expect(line.upstream_request_id).toBe("");
        });
      }
    }

    const idle = (say: (response: ServerResponse, go: () => boolean) => void) => (response: ServerResponse) => {
      response.on("error", () => {});
      say(response, () => !response.destroyed);
    };
    /** Says it again and again, as fast as it is read. */
    const forever = (type: string, piece: Buffer) =>
      idle((response, goes) => {
        response.writeHead(200, { "content-type": type });
        const go = (): void => {
          while (goes()) if (!response.write(piece)) return void response.once("drain", go);
        };
        go();
      });
    const repeated = (piece: Buffer) => Buffer.concat(Array.from({ length: Math.ceil(65_536 / piece.length) }, () => piece));
    const EMPTY = frame({ ":message-type": "event", ":event-type": "news" }, "");
    for (const [what, dialect, type, piece] of [
      ["blank lines", openai, "text/event-stream", Buffer.from("\n")],
      ["comments", openai, "text/event-stream", Buffer.from(":\n\n")],
      ["chunks without choices", openai, "text/event-stream", Buffer.from('data: {"choices":[]}\n\n')],
      ["frames of an unknown kind", anthropic, FRAMES, EMPTY],
    ] as const) {
      const model = world.model(dialect, `idle-${what.replaceAll(" ", "-")}`, forever(type, repeated(piece)));
      test(`a stream of ${what} and nothing else is ended`, async () => {
        const startedMs = performance.now();
        expect((await world.open({ model, stream: true }).answered).status).toBe(502);
        expect(performance.now() - startedMs).toBeLessThan(SOON_MS);
        expect((await world.logged(model, "upstream_malformed")).cause).toContain("says nothing");
      });
    }

    const short = world.model(anthropic, "short-exception", (response) => {
      response.writeHead(200, { "content-type": FRAMES });
      response.end(frame({ ":message-type": "exception", ":exception-type": "x" }, ""));
    });
    test("a frame that is shorter than the headers of most is read like the others", async () => {
      expect((await world.open({ model: short, stream: true }).answered).status).toBe(500);
      await world.logged(short, "upstream_failed");
    });

    const lingering = new Set<ServerResponse>();
    const after = world.model(openai, "after-its-end", (response) => {
      lingering.add(response);
      response.on("close", () => lingering.delete(response));
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\ndata: [DONE]\n\n`);
      const timer = setInterval(() => response.write(": \n\n"), 100);
      response.on("close", () => clearInterval(timer));
    });
    test("an answer that goes on after its end does not keep its connection", async () => {
      for (let count = 0; count < 5; count++) expect((await world.open({ model: after, stream: true }).answered).text).toContain("[DONE]");
      const untilMs = performance.now() + SOON_MS;
      while (lingering.size > 0 && performance.now() < untilMs) await Bun.sleep(20);
      expect(lingering.size).toBe(0);
    });

    const ends: (() => void)[] = [];
    const unended = world.model(openai, "unended", (response) => {
      response.on("error", () => {});
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{"choices":[{"a":"');
      let left = 60;
      const go = (): void => {
        while (left-- > 0 && !response.destroyed) if (!response.write(MEBIBYTE)) return void response.once("drain", go);
      };
      go();
      ends.push(() => response.destroy());
    });
    const small = world.model(openai, "small", (response) => json(response, 200, { choices: [], usage: {} }));
    test("answers that never end are held to a bound in all, and small ones go on", async () => {
      const calls = Array.from({ length: 8 }, () => world.open({ model: unended }));
      let refusals = 0;
      for (const { answered } of calls) void answered.then(({ status }) => (refusals += status === 503 ? 1 : 0));
      const untilMs = performance.now() + 2 * SOON_MS;
      // Two thirds of the bound is two or three of them, whichever way they grew.
      const refused = await Promise.race([Promise.any(calls.map((call) => call.answered)), Bun.sleep(untilMs - performance.now())]);
      expect(refused?.status).toBe(503);
      expect((await world.open({ model: small }).answered).status).toBe(200);
      await world.logged(unended, "overloaded");
      // The others go on growing until they meet the bound.
      await eventually(() => refusals >= 4, "half of the answers to be refused");
      for (const end of ends) end();
      await Promise.all(calls.map(({ answered }) => answered));
    });

    const badId = world.model(openai, "bad-id", (response) => {
      response.setHeader("apim-request-id", '"><script>\\"');
      json(response, 500, "{}");
    });
    test("an id of the upstream that does not look like one is not repeated", async () => {
      await world.open({ model: badId }).answered;
      expect((await world.logged(badId, "upstream_failed")).upstream_request_id).toBe("");
    });
  });
}
