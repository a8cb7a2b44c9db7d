/** What the model of a target takes: the front's table and the configuration, changed by Bedrock's refusals since. */
import type { BedrockAccepts } from "../../../src/providers/bedrock/takes.ts";

export interface Takes {
  /** The model's name in the catalogue; "" where it is not there. */
  readonly model: string;
  readonly betas: ReadonlySet<string>;
  /** Names of fields that the model takes, as in `src/providers/bedrock/takes.ts`. */
  readonly fields: ReadonlySet<string>;
  readonly efforts: ReadonlySet<string>;
  /** Unknown members to leave out: `name` of the top level, `tools.name`, `cache_control.name`, `output_config.name`, `messages.name`, `content.name`. */
  readonly without: ReadonlySet<string>;
}

const compiled = new WeakMap<BedrockAccepts, Takes>();

/** Makes the form for requests, once for each target. */
export function takesOf(accepts: BedrockAccepts): Takes {
  let takes = compiled.get(accepts);
  if (takes === undefined) {
    const { model = "", betas, fields, efforts, without } = accepts;
    takes = { model, betas: new Set(betas), fields: new Set(fields), efforts: new Set(efforts), without: new Set(without) };
    compiled.set(accepts, takes);
  }
  return takes;
}

/** A model's name in a message. */
export function whose({ model }: Takes): string {
  return model === "" ? "this model" : `the model ${model}`;
}

/** Members that need a flag, by their names in `Takes.without`, with the flags that allow them; the first flag is the one to add. */
const FLAG_OF: Readonly<Record<string, readonly string[]>> = {
  "tools.defer_loading": ["tool-search-tool-2025-10-19"],
  "tools.input_examples": ["tool-examples-2025-10-29"],
  "messages.output_config": ["mid-conversation-output-config-2026-07-01"],
  "messages.clear_at": ["mid-conversation-system-clear-at-2026-08-21"],
  "content.tool_addition": ["mid-conversation-tool-changes-2026-07-01"],
  "content.tool_removal": ["mid-conversation-tool-changes-2026-07-01"],
  "content.tool_reference": ["tool-search-tool-2025-10-19"],
};

/** The flag to add for a member, where the model has the flag and is not known to refuse the member. */
export function flagOf(name: string, { betas, without }: Takes): string | undefined {
  return without.has(name) ? undefined : FLAG_OF[name]?.find((flag) => betas.has(flag));
}

/** Names of the members that were left out of one request, each once, for the client. */
export class Dropped {
  readonly #names = new Set<string>();

  add(name: string): void {
    this.#names.add(name);
  }

  get text(): string {
    return this.#names.size === 0 ? "" : [...this.#names].join(", ");
  }
}
