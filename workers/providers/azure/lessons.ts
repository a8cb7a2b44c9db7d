/** What Azure's refusals teach: the name that a deployment's model has for a parameter. A lesson is kept for an hour, by target, and told in the log. */
import type { Accepts } from "../../../src/contract/accepts.ts";
import { brief } from "../failure.ts";
import type { Job } from "../provider.ts";
import { type Takes, takesOf } from "./takes.ts";

const KEPT_MS = 3_600_000;

/** Only these: another parameter under another name would ask for something else. */
const NAMES: ReadonlySet<string> = new Set(["max_tokens", "max_completion_tokens", "max_output_tokens"]);
const RENAMED = /Unsupported parameter: '([a-z_]+)' is not supported with this model\. Use '([a-z_]+)' instead/i;
/** Of models and dated versions that came before the newer name. */
const TOO_NEW = /(?:Unrecognized request argument supplied: |Unsupported parameter: '|unknown parameter: ')(max_completion_tokens)\b/i;

interface Learned {
  /** What was known before: another configuration begins anew. */
  accepts: Accepts;
  takes: Takes;
  untilMs: number;
}

export class Lessons {
  readonly #upstream: string;
  /** By the upstream's name of the model. */
  readonly #learned = new Map<string, Learned>();

  constructor(upstream: string) {
    this.#upstream = upstream;
  }

  takes({ upstreamModel, accepts }: Job): Takes {
    if (this.#learned.size === 0) return takesOf(accepts);
    const learned = this.#learned.get(upstreamModel);
    if (learned === undefined) return takesOf(accepts);
    if (performance.now() < learned.untilMs && learned.accepts === accepts) return learned.takes;
    this.#learned.delete(upstreamModel);
    return takesOf(accepts);
  }

  /** As `lesson` of a connection. */
  learn(job: Job, message: string): string | undefined {
    const [from, to] = renaming(message) ?? [];
    if (from === undefined || to === undefined || !NAMES.has(from) || !NAMES.has(to)) return undefined;
    const takes = this.takes(job);
    if (takes.rename[from] === to) return undefined;
    // The opposite of what was learned before is out of force.
    const { [to]: _, ...kept } = takes.rename;
    const { accepts, upstreamModel } = job;
    this.#learned.set(upstreamModel, {
      accepts,
      takes: { ...takes, rename: { ...kept, [from]: to } },
      untilMs: performance.now() + KEPT_MS,
    });
    const cure =
      from === "max_tokens"
        ? ` To have it so from the start: models["${job.model}"].accepts: { fields: { remove: [max_tokens] } }, or accepts.as with the catalogue's name of the model behind the deployment`
        : "";
    return `upstream "${this.#upstream}", deployment "${job.upstreamModel}": refused with "${brief(message)}"; for an hour ${from} goes as ${to}.${cure}`;
  }
}

function renaming(message: string): [string, string] | undefined {
  const [, from = "", to = ""] = RENAMED.exec(message) ?? [];
  if (from !== "") return [from, to];
  return TOO_NEW.test(message) ? ["max_completion_tokens", "max_tokens"] : undefined;
}
