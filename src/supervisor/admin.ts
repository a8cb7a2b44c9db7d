import { readinessResponse } from "../contract/readiness.ts";
import { normalisePath, pathOf } from "../http/target.ts";
import type { MergedMetrics, Snapshot } from "../metrics/merged.ts";
import type { Child } from "./child.ts";
import { forward } from "./forward.ts";
import { SNAPSHOT_PATH } from "./protocol.ts";
import { type MemberReadiness, mergeReadiness } from "./readiness.ts";

export interface SupervisorAdminParts {
  /** One entry for each process; undefined while the process is being replaced. */
  members(): readonly (Child | undefined)[];
  draining(): boolean;
  metrics: MergedMetrics;
  /** The group's secret: it proves to a process that the supervisor sent the client's address. */
  secret: string;
}

/** @param address - the client's address, of its connection */
export type AdminHandler = (request: Request, address: string) => Promise<Response>;

/** The admin listener of several processes: answers about all processes are made here; one of the processes answers everything else. */
export function createSupervisorAdmin(parts: SupervisorAdminParts): AdminHandler {
  return async (request, address) => {
    const pathname = normalisePath(pathOf(request.url));
    if (request.method === "GET" || request.method === "HEAD") {
      if (pathname === "/metrics") return await scrape(parts);
      if (pathname === "/healthz") return new Response("ok\n");
      if (pathname === "/readyz")
        return readinessResponse(mergeReadiness(parts.draining(), await Promise.all(parts.members().map(readinessOf))));
    }
    const child = parts.members().find((member) => member?.state === "listening");
    if (child === undefined) return problem("No gateway process is alive at this moment. Please try again.");
    try {
      return await forward(request, child.adminPort, `${parts.secret} ${address}`);
    } catch {
      return problem(`Process ${child.index} ended before it had answered. Please try again.`);
    }
  };
}

async function scrape({ members, metrics }: SupervisorAdminParts): Promise<Response> {
  const asked = members().filter((child) => child?.state === "listening");
  const taken = asked.map(async (child) => {
    if (child === undefined) return;
    const snapshot = await child.ask(SNAPSHOT_PATH);
    // A process that does not answer counts with its last values. One that has ended meanwhile is counted already.
    if (snapshot?.ok && child.state === "listening") metrics.take(child.index, (await snapshot.json()) as Snapshot);
  });
  await Promise.all(taken);
  return new Response(await metrics.render(), { headers: { "content-type": metrics.contentType } });
}

async function readinessOf(child: Child | undefined, index: number): Promise<MemberReadiness> {
  if (child === undefined || child.state === "gone") return { index, ready: false, detail: undefined, absence: "ended, is being replaced" };
  if (child.state !== "listening") return { index, ready: false, detail: undefined, absence: "starting" };
  const answer = await child.ask("/readyz");
  if (answer === undefined) return { index, ready: false, detail: undefined, absence: "does not answer" };
  const { status, ...detail } = (await answer.json()) as Record<string, string>;
  return { index, ready: answer.ok && status === "ready", detail };
}

export function problem(message: string, status = 503): Response {
  return Response.json({ error: { message } }, { status });
}
