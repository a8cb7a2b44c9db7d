/**
 * The least that the runtime costs: a bare Bun server that passes every request to the upstream, and its answer back.
 *
 *     bun bench/passthrough.ts UPSTREAM [CERTIFICATE]      CERTIFICATE: the file of a certificate to trust
 */
import { readFileSync } from "node:fs";

const [, , upstream = "", certificate] = process.argv;
const tls = certificate === undefined ? {} : { tls: { ca: readFileSync(certificate, "utf8") } };

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  maxRequestBodySize: 64 * 1024 * 1024,
  async fetch(request) {
    const { pathname } = new URL(request.url);
    const answer = await fetch(upstream + pathname, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: await request.arrayBuffer(),
      ...tls,
    });
    return new Response(answer.body, { status: answer.status, headers: { "content-type": answer.headers.get("content-type") ?? "" } });
  },
});
process.stdout.write(`${JSON.stringify({ message: "listening", port: server.port })}\n`);
