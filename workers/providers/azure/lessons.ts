/** What Azure's refusals teach: the name that a deployment's model has for a parameter, and what it does not know at all. A lesson is kept for an hour, by target. */
import type { AzureAccepts } from "../../../src/providers/azure/takes.ts";
import { brief } from "../failure.ts";
import { Learned, type Words } from "../learned.ts";
import type { Job, Lesson, Pupil } from "../provider.ts";
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

export class Lessons {
  readonly #upstream: string;
  readonly #learned = new Learned<AzureAccepts, Takes>(takesOf, taught);

  constructor(upstream: string) {
    this.#upstream = upstream;
  }

  takes(job: Job<AzureAccepts>): Takes {
    return this.#learned.takes(job);
  }

  /** As `lesson` of a connection. */
  learn(job: Job<AzureAccepts>, message: string): Lesson | undefined {
    return this.#unknown(job, message) ?? this.#name(job, message);
  }

  /** As `taught` of a connection. */
  taught(pupil: Pupil<AzureAccepts>, text: string, forMs: number): void {
    this.#learned.taught(pupil, text, forMs);
  }

  #unknown(job: Job<AzureAccepts>, message: string): Lesson | undefined {
    const [, ofItem, ofBody] = UNKNOWN.exec(message) ?? [];
    const name = ofItem !== undefined && !SAID.has(ofItem) ? OF_ITEM + ofItem : ofBody !== undefined && SPARE.has(ofBody) ? ofBody : "";
    if (name === "") return undefined;
    return this.#learned.learn(
      job,
      ["without", name],
      () =>
        `upstream "${this.#upstream}", deployment "${job.upstreamModel}": refused with "${brief(message)}"; for an hour requests go without ${name}. To leave it out for good: models["${job.model}"].accepts: { fields: { remove: [${name}] } }`,
    );
  }

  #name(job: Job<AzureAccepts>, message: string): Lesson | undefined {
    const [from, to] = renaming(message) ?? [];
    if (from === undefined || to === undefined || !NAMES.has(from) || !NAMES.has(to)) return undefined;
    const cure =
      from === "max_tokens"
        ? ` To have it so from the start: models["${job.model}"].accepts: { fields: { remove: [max_tokens] } }, or accepts.as with the catalogue's name of the model behind the deployment`
        : "";
    return this.#learned.learn(
      job,
      ["rename", from, to],
      () =>
        `upstream "${this.#upstream}", deployment "${job.upstreamModel}": refused with "${brief(message)}"; for an hour ${from} goes as ${to}.${cure}`,
    );
  }
}

function taught(takes: Takes, [what, name, to]: Words): Takes | undefined {
  if (name === undefined) return undefined;
  if (what === "without") return takes.without.includes(name) ? undefined : { ...takes, without: [...takes.without, name] };
  if (what !== "rename" || to === undefined || takes.rename[name] === to) return undefined;
  // The opposite of what was learned before is out of force.
  const { [to]: _, ...kept } = takes.rename;
  return { ...takes, rename: { ...kept, [name]: to } };
}

function renaming(message: string): [string, string] | undefined {
  const [, from = "", to = ""] = RENAMED.exec(message) ?? [];
  if (from !== "") return [from, to];
  return TOO_NEW.test(message) ? ["max_completion_tokens", "max_tokens"] : undefined;
}
