import type { EffectiveLimits } from "../contract/config.ts";
import type { Limiter, WindowUsage } from "../limiter/limiter.ts";
import type { Counts } from "../usage/tally.ts";
import { type Totals, TotalsUnavailable } from "../usage/totals.ts";
import { page } from "./paging.ts";
import { AdminRefusal } from "./refusal.ts";
import type { AdminRoute } from "./route.ts";
import { type ModelUsage, usage } from "./schemas.ts";
import { moment } from "./wire.ts";

/** What is known about the calls of a workspace. */
export interface UsageSource {
  /** The models that it may use, under the names that limits go by; undefined where there is no such workspace. */
  limits(workspace: string): ReadonlyMap<string, EffectiveLimits> | undefined;
  windows(workspace: string, model: string, rpm: number, tpm: number): Promise<WindowUsage | undefined>;
  /** Model → day (`2026-11-24`) → counts. @throws TotalsUnavailable */
  days(workspace: string): Promise<ReadonlyMap<string, ReadonlyMap<string, Counts>>>;
  /** See `Totals.sinceMs`. */
  readonly sinceMs: number | undefined;
}

/** A source made of its three parts. */
export function usageFrom(limits: UsageSource["limits"], limiter: Pick<Limiter, "usage">, totals: Totals): UsageSource {
  return {
    limits,
    windows: (workspace, model, rpm, tpm) => limiter.usage(workspace, model, rpm, tpm),
    days: (workspace) => totals.read(workspace),
    sinceMs: totals.sinceMs,
  };
}

export function usageRoutes(source: UsageSource): AdminRoute[] {
  return [
    {
      method: "GET",
      path: "/admin/v1/workspaces/{workspace}/usage",
      operation: "getUsage",
      tag: "Workspaces",
      summary: "What a workspace uses",
      description: "For each model: the present state of both windows, and requests and tokens by day (UTC).",
      paged: true,
      answer: { status: 200, description: "In the order of the models' names.", body: usage },
      refusals: ["invalid", "unknown", "unavailable"],
      reply: async ({ params: { workspace = "" }, query }) => {
        const limits = source.limits(workspace);
        if (limits === undefined) throw new AdminRefusal("unknown", "There is no such workspace. GET /admin/v1/workspaces lists them.");
        const days = await read(source, workspace);
        const { data, ...rest } = page(new Set([...limits.keys(), ...days.keys()]), (model) => model, query);
        const models = data.map((model) => usageOf(source, workspace, model, limits.get(model), days.get(model)));
        return Response.json({ data: await Promise.all(models), ...rest, since: moment(source.sinceMs) });
      },
    },
  ];
}

async function read(source: UsageSource, workspace: string) {
  try {
    return await source.days(workspace);
  } catch (thrown) {
    if (thrown instanceof TotalsUnavailable) throw new AdminRefusal("unavailable", thrown.message);
    throw thrown;
  }
}

async function usageOf(
  source: UsageSource,
  workspace: string,
  model: string,
  limits: EffectiveLimits | undefined,
  days: ReadonlyMap<string, Counts> = new Map(),
): Promise<ModelUsage> {
  const windows = limits && (await source.windows(workspace, model, limits.rpm, limits.tpm));
  return {
    model,
    requests: windows?.requests ?? null,
    tokens: windows?.tokens ?? null,
    days: [...days]
      .sort(([one], [other]) => (one < other ? 1 : -1))
      .map(([day, { requests, input, output, cacheRead, cacheWrite, cacheWriteHour, reasoning }]) => ({
        day,
        requests,
        input_tokens: input,
        output_tokens: output,
        cache_read_tokens: cacheRead,
        cache_write_tokens: cacheWrite,
        cache_write_5m_tokens: Math.max(0, cacheWrite - cacheWriteHour),
        cache_write_1h_tokens: cacheWriteHour,
        reasoning_tokens: reasoning,
      })),
  };
}
