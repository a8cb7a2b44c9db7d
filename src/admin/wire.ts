/** Records of the directory as JSON of the admin API, and back. */
import type { Limits } from "../contract/config.ts";
import { momentText } from "../contract/moment.ts";
import type { CreatedKey as Created, KeyEntry, WorkspaceEntry } from "../directory/directory.ts";
import type { CreatedKey, Key, Workspace, WorkspaceSettings } from "./schemas.ts";

export function keyText({ id, name, workspace, source, createdAtMs, lastUsedAtMs, expiresAtMs, replacedBy, maxConcurrent }: KeyEntry): Key {
  return {
    id,
    name,
    workspace,
    source,
    created_at: moment(createdAtMs),
    last_used_at: moment(lastUsedAtMs),
    expires_at: moment(expiresAtMs),
    max_concurrent: maxConcurrent ?? null,
    replaced_by: replacedBy ?? null,
  };
}

export function createdText({ key, entry }: Created): CreatedKey {
  return { ...keyText(entry), key };
}

export function workspaceText({ name, source, defaultRegion, maxConcurrent, limits, models, upstreams, keys }: WorkspaceEntry): Workspace {
  return {
    name,
    source,
    default_region: defaultRegion ?? null,
    max_concurrent: maxConcurrent ?? null,
    limits: limitsText(limits),
    models: Object.fromEntries(Object.entries(models).map(([model, special]) => [model, { limits: limitsText(special.limits) }])),
    upstreams,
    keys,
  };
}

/** Settings in the directory's form. */
export function settingsOf(name: string, { default_region, max_concurrent, limits, models = {} }: WorkspaceSettings) {
  return {
    name,
    defaultRegion: default_region,
    maxConcurrent: max_concurrent,
    limits: limitsOf(limits),
    models: Object.fromEntries(Object.entries(models).map(([model, special]) => [model, { limits: limitsOf(special.limits) }])),
  };
}

export function moment(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : momentText(milliseconds);
}

type LimitsText = NonNullable<WorkspaceSettings["limits"]>;

function limitsText({ rpm, tpm, countRpm, cacheReadWeight, reserveOutput }: Limits): LimitsText {
  return {
    ...(rpm === undefined ? {} : { rpm }),
    ...(tpm === undefined ? {} : { tpm }),
    ...(countRpm === undefined ? {} : { count_rpm: countRpm }),
    ...(cacheReadWeight === undefined ? {} : { cache_read_weight: cacheReadWeight }),
    ...(reserveOutput === undefined ? {} : { reserve_output: reserveOutput }),
  };
}

function limitsOf(limits: LimitsText = {}): Limits {
  return {
    rpm: limits.rpm,
    tpm: limits.tpm,
    countRpm: limits.count_rpm,
    cacheReadWeight: limits.cache_read_weight,
    reserveOutput: limits.reserve_output,
  };
}
