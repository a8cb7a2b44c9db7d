/** Whether this process may take traffic, with one line for each of its parts. */
export interface Readiness {
  ready: boolean;
  detail: Record<string, string>;
}

/** `/readyz`, the same on both listeners. */
export function readinessResponse({ ready, detail }: Readiness): Response {
  return Response.json({ status: ready ? "ready" : "not ready", ...detail }, { status: ready ? 200 : 503 });
}
