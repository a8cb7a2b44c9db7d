/** What Azure's refusals teach: the name that a deployment's model has for a parameter, and what it does not know at all. A lesson is kept for an hour, by target, and told in the log. */
import type { AzureAccepts } from "../../../src/providers/azure/takes.ts";
import { brief } from "../failure.ts";
import { Learned } from "../learned.ts";
import type { Job } from "../provider.ts";
import { OF_ITEM } from "./strays.ts";
import { type Takes, takesOf } from "./takes.ts";

/** Only these: another parameter under another name would ask for something else. */
const NAMES: ReadonlySet<string> = new Set(["max_tokens", "max_completion_tokens", "max_output_tokens"]);
const RENAMED = /Unsupported parameter: '([a-z_]+)' is not supported with this model\. Use '([a-z_]+)' instead/i;
/** Of models and dated versions that came before the newer name. */
const TOO_NEW = /(?:Unrecognized request argument supplied: |Unsupported parameter: '|unknown parameter: ')(max_completion_tokens)\b/i;

/** Of the top level, `name`; of an item of a Responses request, `input[2].name`, of whose inside more may follow. */
const UNKNOWN = /Unknown parameter: '(?:input\[\d+\]\.([a-z_]+)|([a-z_]+)')/i;
/** Only these of the top level: without them the answer is the same. */
const SPARE: ReadonlySet<string> = new Set(
  "client_metadata metadata prompt_cache_key prompt_cache_options prompt_cache_retention safety_identifier user".split(" "),
);
/** What an item says. */
const SAID: ReadonlySet<string> = new Set(
  `action actions arguments call_id caller code content encrypted_content environment execution id input item_id name namespace operation output role
  status summary tools type`.split(/\s+/),
);
/** Of one target; more than a handful is an upstream that refuses everything. */
const MOST_LESSONS = 32;

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
    if (this.#learned.count(job) >= MOST_LESSONS) return undefined;
    return this.#unknown(job, message) ?? this.#name(job, message);
  }

  #unknown(job: Job<AzureAccepts>, message: string): string | undefined {
    const [, ofItem, ofBody] = UNKNOWN.exec(message) ?? [];
    const name = ofItem !== undefined && !SAID.has(ofItem) ? OF_ITEM + ofItem : ofBody !== undefined && SPARE.has(ofBody) ? ofBody : "";
    const takes = this.takes(job);
    if (name === "" || takes.without.includes(name)) return undefined;
    this.#learned.keep(job, { ...takes, without: [...takes.without, name] });
    return `upstream "${this.#upstream}", deployment "${job.upstreamModel}": refused with "${brief(message)}"; for an hour requests go without ${name}. To leave it out for good: models["${job.model}"].accepts: { fields: { remove: [${name}] } }`;
  }

  #name(job: Job<AzureAccepts>, message: string): string | undefined {
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
