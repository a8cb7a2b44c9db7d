/** A proxy in the environment: nothing that is meant for this machine's loopback may go through it (`src/runtime/runtime.ts`). */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { spareLoopback } from "../../../src/runtime/runtime.ts";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { type RuntimeName, runToEnd, startWeir } from "../../support/weir.ts";
import { anthropic, configuration, keyOf } from "../limits/world.ts";

const TOKEN = "proxied-admin-token-0b9d44e1";

/** A proxy that answers nothing and keeps what it was asked for. */
let proxy: Server;
let seen: string[] = [];
let sandbox: Sandbox;
beforeAll(async () => {
  proxy = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.writeHead(502).end();
  });
  proxy.on("connect", (request, socket) => {
    seen.push(`CONNECT ${request.url}`);
    socket.end();
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  sandbox = await startSandbox();
});
afterAll(async () => {
  proxy.close();
  await sandbox.close();
});

const environments = (): [string, Record<string, string>][] => {
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  // Deno asks its maker for news by itself.
  const DENO_NO_UPDATE_CHECK = "1";
  return [
    [
      "a proxy that records",
      { DENO_NO_UPDATE_CHECK, HTTP_PROXY: address, HTTPS_PROXY: address, ALL_PROXY: address, NO_PROXY: "internal.example" },
    ],
    [
      "a proxy that is down",
      { DENO_NO_UPDATE_CHECK, http_proxy: "http://127.0.0.1:1", https_proxy: "http://127.0.0.1:1", no_proxy: "internal.example" },
    ],
  ];
};

for (const runtime of ["bun", "deno"] satisfies RuntimeName[]) {
  describe(`with a proxy in the environment, on ${runtime}`, () => {
    test("processes are asked directly, and so are an upstream on loopback, and an admin listener by the commands", async () => {
      seen = [];
      for (const [what, environment] of environments()) {
        const config = configuration(sandbox, { acme: {} }, { processes: 2, workers: 1, admin: { port: 0, token: TOKEN } });
        const weir = await startWeir({ runtime, config, environment });
        try {
          const ready = await fetch(`${weir.adminUrl}/readyz`);
          expect([what, ready.status, ((await ready.json()) as { gateway: string }).gateway]).toEqual([
            what,
            200,
            "ok: 2 of 2 processes ready",
          ]);
          expect(await (await fetch(`${weir.adminUrl}/metrics`)).text()).toMatch(/^weir_worker_streams\{worker="1\.0"\} 0$/m);
          const called = await fetch(`${weir.url}${anthropic.path}`, {
            method: "POST",
            headers: { "x-api-key": keyOf("acme") },
            body: JSON.stringify(anthropic.body("[sandbox: tokens=1 pace=0]")),
          });
          expect([what, called.status]).toEqual([what, 200]);
          for (const host of ["127.0.0.1", "localhost"]) {
            const url = weir.adminUrl.replace("127.0.0.1", host);
            const words = ["keys", "list", "--workspace", "acme", "--url", url];
            const listed = await runToEnd(runtime, { arguments: words, environment: { ...environment, WEIR_ADMIN_TOKEN: TOKEN } });
            expect([what, host, listed.code, listed.stderr]).toEqual([what, host, 0, ""]);
          }
        } finally {
          await weir.stop("SIGTERM");
        }
      }
      expect(seen).toEqual([]);
    }, 40_000);
  });
}

describe("what the runtime sends past a proxy", () => {
  test("is added to every list that there is, and to none where there is no proxy", () => {
    const after = (environment: Record<string, string | undefined>) => {
      spareLoopback(environment);
      return environment;
    };
    const loopback = "localhost,127.0.0.0/8,127.0.0.1,::1";
    expect(after({ NO_PROXY: "a.example" })).toEqual({ NO_PROXY: "a.example" });
    expect(after({ HTTP_PROXY: "x" })).toEqual({ HTTP_PROXY: "x", NO_PROXY: loopback });
    expect(after({ all_proxy: "x", no_proxy: "a.example" })).toEqual({ all_proxy: "x", no_proxy: `a.example,${loopback}` });
    expect(after({ https_proxy: "x", NO_PROXY: "a", no_proxy: "b" })).toEqual({
      https_proxy: "x",
      NO_PROXY: `a,${loopback}`,
      no_proxy: `b,${loopback}`,
    });
    const once = after({ HTTP_PROXY: "x", NO_PROXY: "a" });
    expect(after({ ...once })).toEqual(once);
    expect(after({ HTTP_PROXY: "x", NO_PROXY: "*" })).toEqual({ HTTP_PROXY: "x", NO_PROXY: "*" });
  });
});
