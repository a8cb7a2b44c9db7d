import { createHash, timingSafeEqual } from "node:crypto";
import { Elysia } from "elysia";
import { type Readiness, readinessResponse } from "../contract/readiness.ts";

export interface AdminParts {
  /** Undefined: the calls that need it answer 401 to everybody. */
  token: string | undefined;
  metrics: { contentType: string; render(): Promise<string> };
  readiness(): Readiness;
  /** Ends one worker abruptly and tells which; undefined where drills are not allowed. */
  crashWorker: (() => number | undefined) | undefined;
}

/** The admin listener: what operators and Prometheus ask. Never on the public port. */
export function createAdmin(parts: AdminParts): (request: Request) => Response | Promise<Response> {
  const app = new Elysia({ normalize: false, handler: { standardHostname: false } });
  // Before the routes: Elysia gives a hook only to what is registered after it.
  app.onError(() => problem(500, "An internal error occurred."));
  app.get("/metrics", async () => new Response(await parts.metrics.render(), { headers: { "content-type": parts.metrics.contentType } }));
  app.get("/healthz", () => new Response("ok\n"));
  app.get("/readyz", () => readinessResponse(parts.readiness()));
  app.post("/admin/v1/chaos/worker", ({ request }) => {
    const refusal = refuseStranger(request.headers, parts.token);
    if (refusal !== undefined) return refusal;
    if (parts.crashWorker === undefined) return problem(404, "Drills are off: start Weir with WEIR_CHAOS=1 to allow them.");
    const worker = parts.crashWorker();
    return worker === undefined ? problem(503, "No worker is alive.") : Response.json({ worker });
  });
  app.all("/*", ({ request }) =>
    problem(404, `There is nothing at ${request.method} ${new URL(request.url).pathname} on the admin listener.`),
  );
  return (request) => app.handle(request);
}

function refuseStranger(headers: Headers, token: string | undefined): Response | undefined {
  const sent = /^bearer (.+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  if (token !== undefined && sent !== undefined && timingSafeEqual(digest(sent), digest(token))) return undefined;
  return problem(401, "Send the admin token as 'Authorization: Bearer TOKEN'.");
}

/** Digests are of one length, which `timingSafeEqual` asks for, and hide that of the token. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function problem(status: number, message: string): Response {
  return Response.json({ error: { message } }, { status });
}
