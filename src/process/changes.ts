/** The differences between two configurations, by name and without values, for the log. */
import type { Config } from "../contract/config.ts";

/** Names that are written out; the rest is a number. */
const MOST_NAMES = 50;
/** Settings whose inner names may say where a secret is: only the outer name is written. */
const OPAQUE = new Set(["settings", "accepts", "targets"]);

/** Settings whose inner names are the operator's own. */
const OPERATORS = new Set(["upstreams", "models", "workspaces", "keys"]);

export interface Changes {
  /** Dotted paths: `limits.tpm`, `workspaces.acme.keys.ci`. */
  added?: string[];
  removed?: string[];
  changed?: string[];
  /** The number of changes that are not named. */
  more?: number;
}

type Kind = "added" | "removed" | "changed";

/** The names of the settings that differ. For a thing that is new or gone, its name and not the names of its parts. */
export function changesBetween(before: Config, after: Config): Changes {
  const found: [Kind, string][] = [];
  compare(before, after, [], found);
  const changes: Changes = {};
  for (const [kind, name] of found.slice(0, MOST_NAMES)) {
    changes[kind] ??= [];
    changes[kind].push(name);
  }
  if (found.length > MOST_NAMES) changes.more = found.length - MOST_NAMES;
  return changes;
}

function compare(before: unknown, after: unknown, path: readonly string[], found: [Kind, string][]): void {
  if (before === after) return;
  const [old, fresh] = [partsOf(before), partsOf(after)];
  if (old === undefined || fresh === undefined || OPAQUE.has(path.at(-1) ?? "")) {
    if (JSON.stringify(before) !== JSON.stringify(after)) found.push(["changed", path.join(".")]);
    return;
  }
  for (const name of new Set([...old.keys(), ...fresh.keys()])) {
    const inner = [...path, OPERATORS.has(path.at(-1) ?? "") ? name : settingName(name)];
    const [was, is] = [old.get(name), fresh.get(name)];
    // An optional setting that is left out has the value undefined: setting it is a change, and no new thing.
    if (was === undefined && is === undefined) continue;
    if (was === undefined) found.push([old.has(name) ? "changed" : "added", inner.join(".")]);
    else if (is === undefined) found.push([fresh.has(name) ? "changed" : "removed", inner.join(".")]);
    else compare(was, is, inner, found);
  }
}

/** The parts of a map by their names, and those of a list of things that have names. */
function partsOf(value: unknown): Map<string, unknown> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  const names = value.map((item: unknown) => (typeof item === "object" && item !== null ? (item as { name?: unknown }).name : undefined));
  return names.every((name) => typeof name === "string") ? new Map(value.map((item, at) => [names[at] as string, item])) : undefined;
}

/** The name in `weir.yaml`: `countRpm` is `count_rpm`, `connectMs` is `connect`. */
function settingName(name: string): string {
  return name.replace(/(Ms|Bytes)$/, "").replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
