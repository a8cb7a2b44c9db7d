/** Handlers that are written for the web, and Elysia's routes, over our own server. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Elysia } from "elysia";
import { type Answered, type Asked, Reply, ReplyHeaders } from "../../../src/contract/http.ts";
import { askedAdapter } from "../../../src/http/elysia.ts";
import type { ServerOptions } from "../../../src/http/server.ts";
import { webHandler } from "../../../src/http/web.ts";
import { eventually, pause } from "../../support/waits.ts";
import { converse, type Examined, ours } from "./examined.ts";

const LAST = "Host: gw\r\nConnection: close\r\n\r\n";

describe("a handler for the web", () => {
  let aborted = 0;
  let cancelled = 0;
  let server: Examined;
  const options: Partial<ServerOptions> = {
    handle: webHandler(async (request, address) => {
      const { pathname } = new URL(request.url);
      switch (pathname) {
        case "/text":
          return new Response(`${request.method} ${request.headers.get("x-one")} ${address} \u00fc`, { headers: { "x-two": "2" } });
        case "/echo":
          return new Response(await request.text());
        case "/nothing":
          return new Response(null, { status: 204 });
        case "/stream":
          return new Response(
            new ReadableStream({
              async pull(controller) {
                await pause(5);
                controller.enqueue(new TextEncoder().encode("piece,"));
              },
              cancel: () => void cancelled++,
            }),
          );
        case "/breaks":
          return new Response(
            new ReadableStream({
              async pull(controller) {
                controller.enqueue(new TextEncoder().encode("piece,"));
                await pause(5);
                throw new Error("broken");
              },
            }),
          );
        default:
          request.signal.addEventListener("abort", () => aborted++);
          return await new Promise<Response>(() => {});
      }
    }),
    onFault() {},
  };
  beforeAll(async () => {
    server = await ours(options);
  });
  afterAll(() => server.stop());
  const url = (path: string) => `http://127.0.0.1:${server.port}${path}`;

  test("gets method, headers and address, and its answer has a length", async () => {
    const answer = await fetch(url("/text"), { headers: { "x-one": "1" } });
    expect(await answer.text()).toBe("GET 1 127.0.0.1 \u00fc");
    expect([answer.headers.get("x-two"), answer.headers.get("content-length"), answer.headers.get("transfer-encoding")]).toEqual([
      "2",
      "18",
      null,
    ]);
  });

  test("gets a body, of known length and in chunks, small and large", async () => {
    for (const body of ["hello", "x".repeat(1_000_000)])
      expect(await (await fetch(url("/echo"), { method: "POST", body })).text()).toBe(body);
    expect(await converse(server.port, [`POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${LAST}3\r\none\r\n0\r\n\r\n`])).toEndWith(
      "\r\n\r\none",
    );
  });

  test("may answer with nothing", async () => {
    const answer = await fetch(url("/nothing"));
    expect([answer.status, await answer.text()]).toEqual([204, ""]);
  });

  test("hears when its client leaves, before the answer and in the middle of it", async () => {
    const [before, middle] = [new AbortController(), new AbortController()];
    const waiting = fetch(url("/waits"), { signal: before.signal }).catch(() => {});
    const answer = await fetch(url("/stream"), { signal: middle.signal });
    const reader = answer.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toStartWith("piece,");
    before.abort();
    middle.abort();
    await waiting;
    await eventually(() => aborted === 1 && cancelled === 1, "both to hear of it");
  });

  test("whose body breaks does not look complete", async () => {
    const text = await converse(server.port, [`GET /breaks HTTP/1.1\r\n${LAST}`]);
    expect(text).toContain("piece,");
    expect(text).not.toContain("0\r\n\r\n");
  });
});

describe("Elysia's routes", () => {
  const asAsked = (request: Request) => request as unknown as Asked;
  const app = new Elysia({ adapter: askedAdapter, normalize: false });
  app.onError(({ code, request }) => new Reply(code === "NOT_FOUND" ? 404 : 500, new ReplyHeaders(), `lost ${asAsked(request).url}`));
  app.post(
    "/to/:name/at/:place",
    async ({ params, request }) => {
      const { name, place } = params;
      return new Reply(200, new ReplyHeaders(), `${name} ${place} ${asAsked(request).headers.get("x-one")} ${asAsked(request).takeBody()}`);
    },
    { parse: "none" },
  );
  app.get("/text", () => "text");
  app.get("/object", ({ set }) => {
    set.status = 201;
    set.headers["x-two"] = "2";
    return { one: 1 };
  });
  app.get("/later", async () => ({ later: true }));
  app.get("/fails", () => {
    throw new Error("fails");
  });
  let server: Examined;
  beforeAll(async () => {
    server = await ours({ handle: (asked) => app.fetch(asked as unknown as Request) as unknown as Answered | Promise<Answered> });
  });
  afterAll(() => server.stop());
  const ask = async (line: string, headers = "", body = "") => {
    const text = await converse(server.port, [`${line} HTTP/1.1\r\n${headers}${LAST}${body}`]);
    return [Number(text.split(" ")[1]), text.slice(text.indexOf("\r\n\r\n") + 4)];
  };

  test("have their parameters, decoded, and the request's headers and body", async () => {
    expect(await ask("POST /to/a%20b/at/c?d=e/f", "X-One: 1\r\nContent-Length: 4\r\n", "body")).toEqual([200, "a b c 1 body"]);
    expect(await ask("POST http://gw/to/a/at/c", "Content-Length: 0\r\n")).toEqual([200, "a c null "]);
  });

  test("may answer with anything that Elysia takes, with status and headers", async () => {
    expect(await ask("GET /text")).toEqual([200, "text"]);
    expect(await ask("GET /later?x")).toEqual([200, '{"later":true}']);
    const text = await converse(server.port, [`GET /object HTTP/1.1\r\n${LAST}`]);
    expect(text).toMatch(/^HTTP\/1\.1 201 Created\r\n(?:.*\r\n)*x-two: 2\r\n(?:.*\r\n)*\r\n\{"one":1\}$/);
  });

  test("that are not there, or throw, go to the hook for errors", async () => {
    expect(await ask("GET /nowhere?x")).toEqual([404, "lost /nowhere?x"]);
    expect(await ask("GET /fails")).toEqual([500, "lost /fails"]);
  });
});
