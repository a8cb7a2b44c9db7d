/** For handlers that are written for the web's own `Request` and `Response`: pages, health and the admin listener, which nobody asks a thousand times a second. */
import { toByteText } from "../contract/bytes.ts";
import { type Answered, type Asked, Reply, ReplyHeaders } from "../contract/http.ts";
import { OutgoingStream } from "../contract/stream.ts";
import type { Connection } from "./connection.ts";
import type { Incoming } from "./incoming.ts";

/** These belong to the connection, and are ours to say. */
const OURS = ["connection", "content-length", "date", "keep-alive", "transfer-encoding", "upgrade"];

/** For a server, a handler that is written for the web. */
export function webHandler(
  handle: (request: Request, address: string) => Response | Promise<Response>,
): (asked: Asked) => Answered | Promise<Answered> {
  return (asked) => handle(toRequest(asked), asked.address);
}

/** A request as the web has it. Its body comes as it is read, its signal tells that the client has gone. */
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

/** Answers with a response of the web. @throws what its body throws */
export async function sendResponse(response: Response, incoming: Incoming, connection: Connection): Promise<void> {
  const headers = new ReplyHeaders();
  for (const [name, value] of response.headers) if (!OURS.includes(name)) headers.set(name, value);
  const { status, body } = response;
  if (body === null) {
    connection.answer(incoming, new Reply(status, headers, ""));
    return;
  }
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  // What is there at once is all there is, nearly always, and then its length can be said.
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

/** As fast as the client takes it, to the end or until the client has gone. */
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
