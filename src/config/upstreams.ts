import type { Timeouts, Upstream } from "../contract/config.ts";
import { providers } from "../providers/index.ts";
import { editsOf } from "./accepts.ts";
import { clocks } from "./clocks.ts";
import type { ResolveContext } from "./context.ts";
import { whyUnreadable } from "./files.ts";
import { isWithin, type Path } from "./problems.ts";
import type { UpstreamSettings } from "./schema/upstreams.ts";

/** Upstreams that targets may name, by name: shared ones, or a workspace's own before the shared ones. */
export class Upstreams {
  readonly resolved: Record<string, Upstream> = Object.create(null);
  readonly #context: ResolveContext;
  readonly #outer: Upstreams | undefined;
  readonly #names = new Set<string>();

  constructor(context: ResolveContext, outer?: Upstreams) {
    this.#context = context;
    this.#outer = outer;
  }

  addNames(names: Iterable<string>): void {
    for (const name of names) this.#names.add(name);
  }

  /** Every name that is written somewhere, whether or not it could be resolved. */
  names(): string[] {
    return [...this.#names, ...(this.#outer?.names() ?? [])];
  }

  find(name: string): Upstream | undefined {
    return this.resolved[name] ?? this.#outer?.find(name);
  }

  add(name: string, settings: UpstreamSettings, path: Path, base: Timeouts, workspace?: string): void {
    const context = this.#context;
    this.#names.add(name);
    const provider = providers.get(settings.provider);
    const timeouts = clocks(base, settings.timeouts, [...path, "timeouts"], context);
    if (settings.region === "v1")
      context.problems.push({ path: [...path, "region"], text: 'expected the name of a region, got "v1", which is part of every path' });
    if (provider === undefined || context.problems.some((problem) => isWithin(problem.path, path))) return;
    const own = Object.fromEntries(Object.keys(provider.schema.properties).map((key) => [key, settings[key]]));
    try {
      const resolved = provider.resolve(absolute(own, context.locate));
      const problem = provider.regionProblem(settings.region, resolved);
      if (problem !== undefined) throw new Error(problem);
      this.resolved[name] = {
        name: workspace === undefined ? name : `${workspace}/${name}`,
        provider: provider.name,
        dialect: provider.dialect,
        telemetryName: provider.telemetryName,
        region: settings.region,
        timeouts,
        maxCalls: settings.max_calls,
        ca: settings.ca_file === undefined ? undefined : readAuthorities(settings.ca_file, [...path, "ca_file"], context),
        reserved: provider.reserved,
        accepts: settings.accepts && editsOf(settings.accepts, provider, [...path, "accepts"], context),
        ...(settings.controls === undefined ? {} : { controls: settings.controls as object }),
        keeping: provider.keeping?.(resolved),
        settings: resolved,
      };
    } catch (error) {
      // A message that begins with a field belongs to that field.
      const [, field, text] = /^([a-z_.]+): (.*)$/s.exec((error as Error).message) ?? [undefined, undefined, (error as Error).message];
      context.problems.push({ path: field === undefined ? path : [...path, ...field.split(".")], text: text ?? "" });
    }
  }
}

function readAuthorities(file: string, path: Path, context: ResolveContext): string | undefined {
  try {
    const pem = context.readText(file);
    if (pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
    context.problems.push({ path, text: "expected PEM certificates in this file, which holds none" });
  } catch (error) {
    context.problems.push({ path, text: `expected a readable file, got one which ${whyUnreadable(error)}` });
  }
  return undefined;
}

/** Paths (`…_file`) made absolute, at any depth. */
function absolute(fields: Record<string, unknown>, locate: (path: string) => string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => {
      if (typeof value === "string" && value !== "" && key.endsWith("_file")) return [key, locate(value)];
      const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
      return [key, isMap ? absolute(value as Record<string, unknown>, locate) : value];
    }),
  );
}
