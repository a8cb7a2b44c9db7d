import type { Accepts } from "../contract/accepts.ts";
import type { ProxySettings, Timeouts, Upstream } from "../contract/config.ts";
import type { Controls } from "../contract/controls.ts";
import type { Weighing, WorkerConfig } from "../contract/messages.ts";

/** The part of the configuration that the workers need. */
export interface PoolConfig {
  proxy: ProxySettings | undefined;
  /** Bytes of unfinished answers that all workers may keep together, as far as each keeps room for the largest there is. */
  heldBytes?: number;
  weighing: Weighing[];
  targets: readonly {
    id: number;
    upstream: Upstream;
    model: string;
    countModel: string | undefined;
    accepts: Accepts;
    controls?: Controls | undefined;
    timeouts: Timeouts;
  }[];
}

/** Each worker may always keep this much of unfinished answers: one of the largest (64 MiB) fits beside some others, and a third is always left free. */
const LEAST_HELD_BYTES = 96 * 1024 * 1024;

/** Has each upstream and each kind of model once: there are thousands of targets where many workspaces bring their own. */
export function workerConfig({ proxy, heldBytes = 0, weighing, targets }: PoolConfig, workers: number): WorkerConfig {
  const upstreams = [...new Set(targets.map((target) => target.upstream))];
  const indices = new Map(upstreams.map((upstream, index) => [upstream, index]));
  const accepts = [...new Set(targets.map((target) => target.accepts))];
  const kinds = new Map(accepts.map((kind, index) => [kind, index]));
  return {
    accepts,
    proxy,
    heldBytes: Math.max(LEAST_HELD_BYTES, heldBytes / workers),
    // The router keeps this bound. Left out, because a changed upstream would cost a worker its connections.
    upstreams: upstreams.map((upstream) => ({ ...upstream, maxCalls: undefined })),
    weighing,
    targets: targets.map(({ id, upstream, model, countModel, accepts, controls, timeouts }) => ({
      id,
      upstream: indices.get(upstream) ?? 0,
      model,
      countModel,
      accepts: kinds.get(accepts) ?? 0,
      controls,
      timeouts,
    })),
  };
}
