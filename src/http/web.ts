/** Serves handlers written for the web's own `Request` and `Response`: pages, health, the admin listener. They are asked rarely, so their cost does not matter. */
import { toByteText } from "../contract/bytes.ts";
import { type Answered, type Asked, Reply, ReplyHeaders } from "../contract/http.ts";
import { OutgoingStream } from "../contract/stream.ts";
import type { Connection } from "./connection.ts";
import type { Incoming } from "./incoming.ts";
import { plainError } from "./written.ts";

/** Headers that belong to the connection: only the server writes them. */
const OURS = ["connection", "content-length", "date", "keep-alive", "transfer-encoding", "upgrade"];

/** Methods that a `Request` of the web cannot have on every runtime. Source: fetch.spec.whatwg.org, "forbidden method". */
const FORBIDDEN = /^(?:CONNECT|TRACE|TRACK)$/i;

/** Makes a handler for this server from one that is written for the web. */
export function webHandler(
  handle: (request: Request, address: string) => Response | Promise<Response>,
): (asked: Asked) => Answered | Promise<Answered> {
  return (asked) => (FORBIDDEN.test(asked.method) ? notImplemented(asked.method) : handle(toRequest(asked), asked.address));
}

function notImplemented(method: string): Reply {
  const headers = new ReplyHeaders({ "content-type": "application/json" });
  return new Reply(501, headers, plainError("invalid_request_error", `The method ${method} is not served here.`));
}

/** The web's `Request` of an `Asked`. Its body is read as the client sends it; its signal fires when the client has gone. */
function toRequest(asked: Asked): Request {
  const { method, url, headers } = asked;
  const gone = new AbortController();
  asked.onLeft = () => gone.abort();
  const init: RequestInit & { duplex: "half" } = {
    method,
    headers: [...(headers as unknown as Iterable<[string, string]>)],
    signal: gone.signal,
    duplex: "half",
  };
  const hasBody = headers.get("transfer-encoding") !== null || Number(headers.get("content-length") ?? 0) > 0;
  if (hasBody && method !== "GET" && method !== "HEAD") init.body = bodyOf(asked);
  return new Request(`http://${headers.get("host") ?? "localhost"}${url}`, init);
}

function bodyOf(asked: Asked): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      asked.read({
        piece: (bytes) => {
          controller.enqueue(new Uint8Array(bytes));
          return true;
        },
        end: () => controller.close(),
        broken: ({ text }) => controller.error(new Error(text)),
      });
    },
  });
}

/** Answers with a `Response`. @throws the error of its body */
export async function sendResponse(response: Response, incoming: Incoming, connection: Connection): Promise<void> {
  const headers = new ReplyHeaders();
  for (const [name, value] of response.headers) if (!OURS.includes(name)) headers.set(name, value);
  const { status, body } = response;
  if (body === null) {
    connection.answer(incoming, new Reply(status, headers, ""));
    return;
  }
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  // Nearly always the first piece is the whole body; then its length can be sent.
  const first = await reader.read();
  if (first.done) {
    connection.answer(incoming, new Reply(status, headers, ""));
    return;
  }
  const next = reader.read();
  let isWhole = false;
  next.then(
    ({ done }) => {
      isWhole = done;
    },
    () => {},
  );
  await new Promise((resolve) => setImmediate(resolve));
  if (isWhole) connection.answer(incoming, new Reply(status, headers, toByteText(first.value)));
  else await pump(first.value, next, reader, (stream) => connection.answer(incoming, new Reply(status, headers, stream)));
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** Sends as fast as the client takes it, to the end or until the client has gone. */
async function pump(first: Uint8Array, second: ReturnType<Reader["read"]>, reader: Reader, begin: (stream: OutgoingStream) => void) {
  let isGone = false;
  let go = (): void => {};
  const stream = new OutgoingStream({
    drained: () => go(),
    left: () => {
      isGone = true;
      go();
      reader.cancel().catch(() => {});
    },
  });
  stream.write(toByteText(first));
  begin(stream);
  try {
    for (let next = await second; !next.done && !isGone; next = await reader.read()) {
      stream.write(toByteText(next.value));
      while (!stream.hasRoom && !isGone)
        await new Promise<void>((resolve) => {
          go = resolve;
        });
    }
    stream.close();
  } catch (thrown) {
    stream.abort();
    throw thrown;
  }
}
