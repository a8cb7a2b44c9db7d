/** What differs between two configurations, by name: it is for the log, so never a value. */
import type { Config } from "../contract/config.ts";

/** Where there are more names than these, the rest is a number. */
const MOST_NAMES = 50;
/** What is inside of these may name a secret's place, and is told by the outer name alone. */
const OPAQUE = new Set(["settings", "accepts", "targets"]);

/** Inside of these, names are the operator's own. */
const OPERATORS = new Set(["upstreams", "models", "workspaces", "keys"]);

export interface Changes {
  /** Dotted paths: `limits.tpm`, `workspaces.acme.keys.ci`. */
  added?: string[];
  removed?: string[];
  changed?: string[];
  /** Those that are not named. */
  more?: number;
}

type Kind = "added" | "removed" | "changed";

/** The names of what is not as it was. Of a thing that is new or gone, its own name and not those of its parts. */
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
    // What may be left out is there as undefined: to set it is a change of its owner.
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

/** As `weir.yaml` has it: `countRpm` is `count_rpm`, `connectMs` is `connect`. */
function settingName(name: string): string {
  return name.replace(/(Ms|Bytes)$/, "").replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
