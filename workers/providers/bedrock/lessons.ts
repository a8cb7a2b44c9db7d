/**
 * What Bedrock's refusals teach: a flag or a member that a model does not take, whatever the table says. Regions get new models and flags at
 * different times, and some have lost flags again. A lesson is kept for an hour, for each target.
 */
import type { BedrockAccepts } from "../../../src/providers/bedrock/takes.ts";
import { brief } from "../failure.ts";
import { Learned, type Words } from "../learned.ts";
import type { Job, Lesson } from "../provider.ts";
import { type Takes, takesOf } from "./takes.ts";

/** Members that are never left out: a request needs them, or would mean something else without them. */
const NEVER: ReadonlySet<string> = new Set(
  `anthropic_version max_tokens messages model output_config output_format stop_sequences system temperature thinking tool_choice tools top_k top_p
  output_config.format tools.description tools.input_schema tools.name tools.type messages.content messages.role
  content.citations content.content content.data content.id content.input content.is_error content.name content.signature content.source content.text
  content.thinking content.tool_use_id content.type`.split(/\s+/),
);

const EXTRA = /(?:^|\s)([a-z_]+(?:\.[\w-]+)*): Extra inputs are not permitted/;
const NO_EFFORT = /does not support the effort parameter/i;
const NO_SYSTEM = /messages\.\d+\.role: Input should be 'user' or 'assistant'|role 'system' is not supported on this model/;

export class BedrockLessons extends Learned<BedrockAccepts, Takes> {
  readonly #upstream: string;
  /** Flags of the calls that are under way. */
  readonly #sent = new WeakMap<Job, readonly string[]>();
  /** Flags that each target has accepted. */
  readonly #proven = new Map<string, Set<string>>();

  constructor(upstream: string) {
    super(takesOf, taught);
    this.#upstream = upstream;
  }

  /** Notes the flags of a call that is sent now. */
  sent(job: Job, betas: readonly string[]): void {
    this.#sent.set(job, betas);
  }

  /** The call has been answered: its flags are accepted. */
  answered(job: Job): void {
    const betas = this.#sent.get(job);
    if (betas === undefined) return;
    let proven = this.#proven.get(job.upstreamModel);
    if (proven === undefined) {
      proven = new Set();
      this.#proven.set(job.upstreamModel, proven);
    }
    for (const beta of betas) proven.add(beta);
  }

  /** See `Adapter.lesson`. `message`: of the refusal. */
  learn(job: Job<BedrockAccepts>, message: string): Lesson | undefined {
    const words = /invalid beta flag/i.test(message) ? this.#betas(job) : memberWords(message);
    if (words === undefined) return undefined;
    const [list, ...names] = words;
    const all = names.join(", ");
    return this.note(
      job,
      words,
      () =>
        `upstream "${this.#upstream}", model "${job.upstreamModel}": refused with "${brief(message)}"; for an hour requests go without ${all}. To leave it out for good: models["${job.model}"].accepts: { ${list}: { remove: [${all}] } }`,
    );
  }

  /** Bedrock does not say which flag it refused. So these are all flags that this target has never accepted, or else all flags. */
  #betas(job: Job<BedrockAccepts>): Words | undefined {
    const sent = this.#sent.get(job) ?? [];
    const proven = this.#proven.get(job.upstreamModel);
    const suspects = sent.filter((beta) => !proven?.has(beta));
    const names = suspects.length > 0 ? suspects : sent;
    return names.length === 0 ? undefined : ["betas", ...names];
  }
}

function memberWords(message: string): Words | undefined {
  if (NO_EFFORT.test(message)) return ["fields", "output_config.effort"];
  if (NO_SYSTEM.test(message)) return ["fields", "messages.role.system"];
  const path = EXTRA.exec(message)?.[1];
  const name = path === undefined ? undefined : memberAt(path.split("."));
  return name === undefined || NEVER.has(name) ? undefined : ["fields", name];
}

/** @param words - The list in the configuration (`accepts`) from which the names would be removed, and the names. */
function taught(takes: Takes, [list, ...names]: Words): Takes | undefined {
  if (list === "betas") {
    const betas = new Set([...takes.betas].filter((beta) => !names.includes(beta)));
    return betas.size === takes.betas.size ? undefined : { ...takes, betas };
  }
  const [name] = names;
  return list === "fields" && name !== undefined ? withoutMember(name, takes) : undefined;
}

function withoutMember(name: string, takes: Takes): Takes | undefined {
  if (takes.fields.has(name)) return { ...takes, fields: new Set([...takes.fields].filter((field) => field !== name)) };
  // It is left out already, or there is no known way to leave it out.
  if (takes.without.has(name) || name === "messages.role.system" || name === "output_config.effort") return undefined;
  return { ...takes, without: new Set([...takes.without, name]) };
}

/** The name in our tables for the member at a path of Bedrock's (`tools.0.custom.strict`, `messages.2.content.0.text.cache_control.ephemeral.scope`). */
function memberAt(path: readonly string[]): string | undefined {
  const last = path.at(-1) ?? "";
  const mark = path.indexOf("cache_control");
  if (mark === 0 && path.length === 1) return "automatic_cache_control";
  if (mark >= 0) return mark === path.length - 1 ? "cache_control" : `cache_control.${last}`;
  if (path.length === 1) return last;
  switch (path[0]) {
    case "output_config":
      return path.length === 2 ? `output_config.${last}` : undefined;
    case "tools":
      return path.length === 4 ? `tools.${last}` : undefined;
    case "system":
      return path.length <= 4 ? `content.${last}` : undefined;
    case "messages":
      if (path.length === 3) return `messages.${last}`;
      return path[2] === "content" && /^\d+$/.test(path.at(-3) ?? "") ? `content.${last}` : undefined;
    default:
      return undefined;
  }
}
