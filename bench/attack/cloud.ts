/**
 * The clouds of an attack, as a separate program. It prints one line of JSON with their addresses and the credentials that they accept, and runs
 * until it is killed.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { startSandbox } from "../../src/sandbox/sandbox.ts";

export interface Clouds {
  bedrock: string;
  azure: string;
  /** An upstream with very large answers. By the model they never end (`endless`), lack their end (`unfinished`), or are whole (`unread`). */
  hostile: string;
  accessKeyId: string;
  secretAccessKey: string;
  apiKey: string;
}

const MIB = 1024 * 1024;
const PIECE = Buffer.alloc(256 * 1024, "a");
const UNSENT_BYTES = 64 * 1024;
const BEGIN = '{"object":"list","model":"x","data":[{"object":"embedding","index":0,"embedding":"';
const END = '"}],"usage":{"prompt_tokens":1,"total_tokens":1}}';
const EVENTS = Buffer.from(
  `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"x","choices":[{"index":0,"delta":{"content":"${"word ".repeat(20)}"},"finish_reason":null}]}\n\n`.repeat(
    100,
  ),
);

async function bodyOf(request: IncomingMessage): Promise<{ model?: string }> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return JSON.parse(Buffer.concat(pieces).toString()) as { model?: string };
}

/** Writes the pieces of `next` as fast as the client reads them, until there are no more. */
function pour(response: ServerResponse, next: () => Buffer | undefined, end: () => void): void {
  while (!response.destroyed) {
    const piece = next();
    if (piece === undefined) {
      end();
      return;
    }
    if (!response.write(piece)) {
      response.once("drain", () => pour(response, next, end));
      return;
    }
  }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.on("error", () => {});
  const { model = "" } = await bodyOf(request);
  if (model.startsWith("endless")) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    pour(
      response,
      () => EVENTS,
      () => {},
    );
    return;
  }
  const isWhole = model.startsWith("unread");
  let left = (isWhole ? 30 : 60) * MIB;
  response.writeHead(200, { "content-type": "application/json", "content-length": BEGIN.length + left + END.length });
  response.write(BEGIN);
  const next = (): Buffer | undefined => {
    if (left <= (isWhole ? 0 : UNSENT_BYTES)) return undefined;
    const piece = left >= PIECE.length ? PIECE : PIECE.subarray(0, left);
    left -= piece.length;
    return piece;
  };
  pour(response, next, () => isWhole && response.end(END));
}

const hostile = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
await new Promise<void>((resolve) => hostile.listen(0, "127.0.0.1", resolve));
const { bedrock, azure, credentials } = await startSandbox({ remember: 0 });
const aws = credentials.aws.find(({ sessionToken }) => sessionToken === undefined);
const clouds: Clouds = {
  bedrock: bedrock.url,
  azure: azure.url,
  hostile: `http://127.0.0.1:${(hostile.address() as AddressInfo).port}`,
  accessKeyId: aws?.accessKeyId ?? "",
  secretAccessKey: aws?.secretAccessKey ?? "",
  apiKey: credentials.apiKeys[0] ?? "",
};
process.stdout.write(`${JSON.stringify(clouds)}\n`);
