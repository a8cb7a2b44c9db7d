/** Whether this process may take traffic, with one line for each of its parts. */
export interface Readiness {
  ready: boolean;
  /** For operators: never a value of the configuration. */
  detail: Record<string, string>;
}

/** `/readyz` of the public listener: anybody may ask, so it tells the status alone. */
export function publicReadiness({ ready }: Readiness): Response {
  return answer(ready, {});
}

/** `/readyz` of the admin listener, with the detail. */
export function readinessResponse({ ready, detail }: Readiness): Response {
  return answer(ready, detail);
}

function answer(ready: boolean, detail: Readonly<Record<string, string>>): Response {
  return Response.json({ status: ready ? "ready" : "not ready", ...detail }, { status: ready ? 200 : 503 });
}
