/** Deno's own server, as `echo-node.mjs`. `deno run -A test/unit/http/echo-deno.ts`. */
import { Buffer } from "node:buffer";
import process from "node:process";

const { Deno } = globalThis as unknown as {
  Deno: { serve(options: object, handler: (request: Request) => Promise<Response>): { addr: { port: number } } };
};
const server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {}, onError: () => new Response(null, { status: 500 }) },
  async (request) => {
    const bytes = await request.arrayBuffer().catch(() => undefined);
    if (bytes === undefined) return new Response(null, { status: 400 });
    const text = Buffer.from(bytes).toString("latin1");
    const { pathname, search } = new URL(request.url);
    return new Response(Buffer.from(`${request.method} ${pathname}${search} ${JSON.stringify(text)}`, "latin1"), {
      headers: { "content-type": "text/plain", "x-method": request.method },
    });
  },
);
process.stdout.write(`${server.addr.port}\n`);
process.stdin.resume().on("end", () => process.exit(0));
