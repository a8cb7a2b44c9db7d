import { type IncomingMessage, request as openRequest } from "node:http";
import { Readable } from "node:stream";
import type { ReadableStream as NodeStream } from "node:stream/web";
import { pathOf, queryOf } from "../http/target.ts";
import { PEER_HEADER } from "./protocol.ts";

/** Headers of one connection, which are not passed on. */
const OF_THE_CONNECTION = /^(connection|keep-alive|transfer-encoding|upgrade)$/i;
const WITHOUT_BODY = [204, 205, 304];

/**
 * Sends a request to a port of this machine and returns the answer. Method, path, headers and status stay the same (`host` too, which `fetch` would
 * replace); bodies are passed on as they come.
 * @param peer - the value of `PEER_HEADER`, in place of a value that the client may have sent
 * @throws an error of the connection
 */
export function forward(request: Request, port: number, peer: string): Promise<Response> {
  const headers = Object.fromEntries([...request.headers].filter(([name]) => !OF_THE_CONNECTION.test(name)));
  headers[PEER_HEADER] = peer;
  return new Promise((resolve, reject) => {
    const outgoing = openRequest({
      host: "127.0.0.1",
      port,
      // HEAD is answered as GET is: then the supervisor's own server gives it the length of the body that it leaves out.
      method: request.method === "HEAD" ? "GET" : request.method,
      path: pathOf(request.url) + queryOf(request.url),
      headers,
      agent: false,
    });
    outgoing.on("error", reject);
    outgoing.on("response", (answer) => resolve(toResponse(answer)));
    request.signal.addEventListener("abort", () => outgoing.destroy(), { once: true });
    if (request.body === null) outgoing.end();
    else
      Readable.fromWeb(request.body as unknown as NodeStream)
        .on("error", reject)
        .pipe(outgoing);
  });
}

function toResponse(answer: IncomingMessage): Response {
  const status = answer.statusCode ?? 502;
  const headers = new Headers();
  for (let at = 0; at + 1 < answer.rawHeaders.length; at += 2) {
    const name = answer.rawHeaders[at] ?? "";
    if (!OF_THE_CONNECTION.test(name)) headers.append(name, answer.rawHeaders[at + 1] ?? "");
  }
  if (!WITHOUT_BODY.includes(status))
    return new Response(Readable.toWeb(answer) as unknown as ReadableStream<Uint8Array>, { status, headers });
  answer.resume();
  return new Response(null, { status, headers });
}
