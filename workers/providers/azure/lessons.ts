/** What Azure's refusals teach: the name that a deployment's model has for a parameter. A lesson is kept for an hour, by target, and told in the log. */
import type { AzureAccepts } from "../../../src/providers/azure/takes.ts";
import { brief } from "../failure.ts";
import { Learned } from "../learned.ts";
import type { Job } from "../provider.ts";
import { type Takes, takesOf } from "./takes.ts";

/** Only these: another parameter under another name would ask for something else. */
const NAMES: ReadonlySet<string> = new Set(["max_tokens", "max_completion_tokens", "max_output_tokens"]);
const RENAMED = /Unsupported parameter: '([a-z_]+)' is not supported with this model\. Use '([a-z_]+)' instead/i;
/** Of models and dated versions that came before the newer name. */
const TOO_NEW = /(?:Unrecognized request argument supplied: |Unsupported parameter: '|unknown parameter: ')(max_completion_tokens)\b/i;

export class Lessons {
  readonly #upstream: string;
  readonly #learned = new Learned<AzureAccepts, Takes>(takesOf);

  constructor(upstream: string) {
    this.#upstream = upstream;
  }

  takes(job: Job<AzureAccepts>): Takes {
    return this.#learned.takes(job);
  }

  /** As `lesson` of a connection. */
  learn(job: Job<AzureAccepts>, message: string): string | undefined {
    const [from, to] = renaming(message) ?? [];
    if (from === undefined || to === undefined || !NAMES.has(from) || !NAMES.has(to)) return undefined;
    const takes = this.takes(job);
    if (takes.rename[from] === to) return undefined;
    // The opposite of what was learned before is out of force.
    const { [to]: _, ...kept } = takes.rename;
    this.#learned.keep(job, { ...takes, rename: { ...kept, [from]: to } });
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
