/** What Azure's refusals teach: a parameter's name for a deployment's model, and unknown members. A lesson is kept for an hour, for each target. */
import type { AzureAccepts } from "../../../src/providers/azure/takes.ts";
import { brief } from "../failure.ts";
import { Learned, type Words } from "../learned.ts";
import type { Job, Lesson } from "../provider.ts";
import { OF_ITEM, type Takes, takesOf } from "./takes.ts";

/** The only names that may replace each other: any other change of a name would change the meaning of the request. */
const NAMES: ReadonlySet<string> = new Set(["max_tokens", "max_completion_tokens", "max_output_tokens"]);
const RENAMED = /Unsupported parameter: '([a-z_]+)' is not supported with this model\. Use '([a-z_]+)' instead/i;
/** The refusal of a model or dated version that is older than the new name. */
const TOO_NEW = /(?:Unrecognized request argument supplied: |Unsupported parameter: '|unknown parameter: ')(max_completion_tokens)\b/i;

/** The refusal of an unknown member: `name` of the top level, or `input[2].name` of an item of a Responses request, where more of the path may follow. */
const UNKNOWN = /Unknown parameter: '(?:input\[\d+\]\.([a-z_]+)|([a-z_]+)')/i;
/** Members of the top level that may be left out: without them the answer is the same. */
const SPARE: ReadonlySet<string> = new Set(
  "client_metadata metadata prompt_cache_key prompt_cache_options prompt_cache_retention safety_identifier user".split(" "),
);
/** Members that hold the contents of an item. They are never left out. */
const SAID: ReadonlySet<string> = new Set(
  `action actions arguments call_id caller code content encrypted_content environment execution id input item_id name namespace operation output role
  status summary tools type`.split(/\s+/),
);

export class AzureLessons extends Learned<AzureAccepts, Takes> {
  readonly #upstream: string;

  constructor(upstream: string) {
    super(takesOf, taught);
    this.#upstream = upstream;
  }

  /** See `Adapter.lesson`. `message`: of the refusal. */
  learn(job: Job<AzureAccepts>, message: string): Lesson | undefined {
    return this.#unknown(job, message) ?? this.#name(job, message);
  }

  #unknown(job: Job<AzureAccepts>, message: string): Lesson | undefined {
    const [, ofItem, ofBody] = UNKNOWN.exec(message) ?? [];
    const name = ofItem !== undefined && !SAID.has(ofItem) ? OF_ITEM + ofItem : ofBody !== undefined && SPARE.has(ofBody) ? ofBody : "";
    if (name === "") return undefined;
    return this.note(
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
    return this.note(
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
  // A lesson that says the opposite ends here.
  const { [to]: _, ...kept } = takes.rename;
  return { ...takes, rename: { ...kept, [name]: to } };
}

function renaming(message: string): [string, string] | undefined {
  const [, from = "", to = ""] = RENAMED.exec(message) ?? [];
  if (from !== "") return [from, to];
  return TOO_NEW.test(message) ? ["max_completion_tokens", "max_tokens"] : undefined;
}
