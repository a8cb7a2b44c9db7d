/** Whether this process may take traffic, with the state of each of its parts. */
export interface Readiness {
  ready: boolean;
  /** State of each part, for operators: never a value of the configuration. */
  detail: Record<string, string>;
}

/** The answer to `/readyz` of the public listener: it needs no key, so it holds the status alone. */
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
