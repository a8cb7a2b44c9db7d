import { type Readiness, readinessResponse } from "../contract/readiness.ts";
import type { Audit } from "./audit.ts";
import { AdminRefusal } from "./refusal.ts";
import type { AdminRoute } from "./route.ts";
import { crashed } from "./schemas.ts";

export interface GatewaySource {
  metrics: { contentType: string; render(): Promise<string> };
  readiness(): Readiness;
  /** Ends one worker abruptly, or makes it hang, and returns which; undefined where drills are not allowed. */
  drill: ((how: "crash" | "stall") => number | undefined) | undefined;
}

/** Routes about the process itself, for operators and Prometheus. */
export function gatewayRoutes({ metrics, readiness, drill }: GatewaySource, audit: Audit): AdminRoute[] {
  return [
    {
      method: "GET",
      path: "/metrics",
      operation: "metrics",
      tag: "Gateway",
      summary: "Metrics for Prometheus",
      open: true,
      answer: { status: 200, description: "Prometheus' text format.", type: "text/plain" },
      refusals: [],
      reply: async () => new Response(await metrics.render(), { headers: { "content-type": metrics.contentType } }),
    },
    {
      method: "GET",
      path: "/healthz",
      operation: "healthz",
      tag: "Gateway",
      summary: "Is it alive",
      open: true,
      answer: { status: 200, description: "The process is alive.", type: "text/plain" },
      refusals: [],
      reply: () => new Response("ok\n"),
    },
    {
      method: "GET",
      path: "/readyz",
      operation: "readyz",
      tag: "Gateway",
      summary: "May it take traffic",
      description: "Where it may not, the answer is a 503 with the same members.",
      open: true,
      answer: { status: 200, description: "It may take traffic; one member for each part.", type: "application/json" },
      refusals: [],
      reply: () => readinessResponse(readiness()),
    },
    ...(["crash", "stall"] as const).map((how): AdminRoute => {
      const isCrash = how === "crash";
      return {
        method: "POST",
        path: isCrash ? "/admin/v1/chaos/worker" : "/admin/v1/chaos/worker/stall",
        operation: `${how}Worker`,
        tag: "Gateway",
        summary: isCrash ? "End one worker abruptly" : "Make one worker hang",
        description: "For drills. Only where Weir was started with `WEIR_CHAOS=1`.",
        answer: { status: 200, description: "The number of the worker.", body: crashed },
        refusals: ["unknown", "unavailable"],
        reply: ({ address }) => {
          if (drill === undefined) throw new AdminRefusal("unknown", "Drills are off: start Weir with WEIR_CHAOS=1 to allow them.");
          const worker = drill(how);
          if (worker === undefined) throw new AdminRefusal("unavailable", "No worker is alive.");
          audit.changed(isCrash ? "worker.crashed" : "worker.stalled", address, {});
          return Response.json({ worker });
        },
      };
    }),
  ];
}
