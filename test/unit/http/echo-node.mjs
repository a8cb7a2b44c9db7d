/** The witness: Node's own server. Its port is its only word; it ends with its standard input. */
import { createServer } from "node:http";
import process from "node:process";

const server = createServer((incoming, outgoing) => {
  /** @type {Buffer[]} */
  const pieces = [];
  incoming.on("data", (piece) => pieces.push(piece));
  incoming.on("error", () => {});
  incoming.on("end", () => {
    const body = `${incoming.method} ${incoming.url} ${JSON.stringify(Buffer.concat(pieces).toString("latin1"))}`;
    outgoing.writeHead(200, { "content-type": "text/plain", "content-length": body.length, "x-method": incoming.method });
    outgoing.end(Buffer.from(body, "latin1"));
  });
});
server.headersTimeout = 3_000;
server.requestTimeout = 3_000;
server.listen(0, "127.0.0.1", () => process.stdout.write(`${/** @type {import("node:net").AddressInfo} */ (server.address()).port}\n`));
process.stdin.resume().on("end", () => process.exit(0));
