/**
 * The models that Weir knows without configuration, by provider. Without `models` in weir.yaml each is offered in every region where an upstream of its provider is.
 * Code and not a text to be read: a YAML parser that reads it at each start leaves five megabytes in an idle gateway.
 *
 * "eu" means eu: no profile here may begin with "global.", which leaves the region (a test holds this).
 */
import type { TokenizerFamily } from "./contract/config.ts";

type Day = `${number}-${number}-${number}`;

interface KnownModel {
  /** Region → the upstream's name there. Left out: the model's own name, in any region (an Azure deployment named like its model). */
  regions?: Readonly<Record<string, string>>;
  /** The day on which it came out, for the models list. Left out: not known. */
  created?: Day;
  /** The day from which the upstream no longer serves it, or true where the day is not known. */
  retired?: Day | true;
  /** Its tokenizer, for weighing requests. */
  family: TokenizerFamily;
  /** Further names of the same model; they share its limits. */
  aliases?: readonly string[];
}

/** Provider → model → what is known of the model. */
export type KnownModels = Readonly<Record<string, Readonly<Record<string, KnownModel>>>>;

export const knownModels: KnownModels = {
  bedrock: {
    // The names that Weir was first asked for. Their makers have retired them; they stay because clients still ask.
    "claude-3-haiku-20240307": {
      created: "2024-03-07",
      retired: true,
      family: "claude-3",
      regions: { eu: "anthropic.claude-3-haiku-20240307-v1:0", us: "anthropic.claude-3-haiku-20240307-v1:0" },
    },
    "claude-3-sonnet-20240229": {
      created: "2024-02-29",
      retired: true,
      family: "claude-3",
      regions: { eu: "anthropic.claude-3-sonnet-20240229-v1:0", us: "anthropic.claude-3-sonnet-20240229-v1:0" },
    },
    "claude-3-opus-20240229": {
      created: "2024-02-29",
      retired: true,
      family: "claude-3",
      regions: { us: "anthropic.claude-3-opus-20240229-v1:0" },
      aliases: ["claude-3-opus-latest"],
    },
    "claude-3-5-sonnet-20240620": {
      created: "2024-06-20",
      retired: true,
      family: "claude-3",
      regions: { eu: "anthropic.claude-3-5-sonnet-20240620-v1:0", us: "anthropic.claude-3-5-sonnet-20240620-v1:0" },
      aliases: ["claude-3-5-sonnet-latest"],
    },

    "claude-3-5-haiku-20241022": {
      created: "2024-10-22",
      family: "claude-3",
      regions: { us: "us.anthropic.claude-3-5-haiku-20241022-v1:0" },
      aliases: ["claude-3-5-haiku-latest"],
    },
    "claude-sonnet-4-20250514": {
      created: "2025-05-14",
      family: "claude-3",
      regions: { eu: "eu.anthropic.claude-sonnet-4-20250514-v1:0", us: "us.anthropic.claude-sonnet-4-20250514-v1:0" },
      aliases: ["claude-sonnet-4-0"],
    },
    "claude-opus-4-1-20250805": {
      created: "2025-08-05",
      family: "claude-3",
      regions: { us: "us.anthropic.claude-opus-4-1-20250805-v1:0" },
      aliases: ["claude-opus-4-1"],
    },
    "claude-sonnet-4-5-20250929": {
      created: "2025-09-29",
      family: "claude-3",
      regions: { eu: "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", us: "us.anthropic.claude-sonnet-4-5-20250929-v1:0" },
      aliases: ["claude-sonnet-4-5"],
    },
    "claude-haiku-4-5-20251001": {
      created: "2025-10-01",
      family: "claude-3",
      regions: { eu: "eu.anthropic.claude-haiku-4-5-20251001-v1:0", us: "us.anthropic.claude-haiku-4-5-20251001-v1:0" },
      aliases: ["claude-haiku-4-5"],
    },
    "claude-opus-4-5-20251101": {
      created: "2025-11-01",
      family: "claude-3",
      regions: { eu: "eu.anthropic.claude-opus-4-5-20251101-v1:0", us: "us.anthropic.claude-opus-4-5-20251101-v1:0" },
      aliases: ["claude-opus-4-5"],
    },

    // From 4.6 on a name without a date is the model itself, not an alias.
    "claude-opus-4-6": {
      created: "2026-02-05",
      family: "claude-3",
      regions: { eu: "eu.anthropic.claude-opus-4-6-v1", us: "us.anthropic.claude-opus-4-6-v1" },
    },
    "claude-sonnet-4-6": {
      created: "2026-02-17",
      family: "claude-3",
      regions: { eu: "eu.anthropic.claude-sonnet-4-6", us: "us.anthropic.claude-sonnet-4-6" },
    },

    // From 4.7 on another tokenizer.
    "claude-opus-4-7": {
      created: "2026-04-16",
      family: "claude-4.7",
      regions: { eu: "eu.anthropic.claude-opus-4-7", us: "us.anthropic.claude-opus-4-7" },
    },
    "claude-opus-4-8": {
      created: "2026-05-28",
      family: "claude-4.7",
      regions: { eu: "eu.anthropic.claude-opus-4-8", us: "us.anthropic.claude-opus-4-8" },
    },
    "claude-opus-5": {
      created: "2026-07-24",
      family: "claude-4.7",
      regions: { eu: "eu.anthropic.claude-opus-5", us: "us.anthropic.claude-opus-5" },
    },
    "claude-opus-5-5": { family: "claude-4.7", regions: { eu: "eu.anthropic.claude-opus-5-5", us: "us.anthropic.claude-opus-5-5" } },
    "claude-sonnet-5": {
      created: "2026-06-30",
      family: "claude-4.7",
      regions: { eu: "eu.anthropic.claude-sonnet-5", us: "us.anthropic.claude-sonnet-5" },
    },
    "claude-sonnet-5-5": { family: "claude-4.7", regions: { eu: "eu.anthropic.claude-sonnet-5-5", us: "us.anthropic.claude-sonnet-5-5" } },
    "claude-haiku-5-5": { family: "claude-4.7", regions: { eu: "eu.anthropic.claude-haiku-5-5", us: "us.anthropic.claude-haiku-5-5" } },
    "claude-fable-5": {
      created: "2026-06-09",
      family: "claude-4.7",
      regions: { eu: "eu.anthropic.claude-fable-5", us: "us.anthropic.claude-fable-5" },
    },
    "claude-fable-5-1": {
      created: "2026-09-01",
      family: "claude-4.7",
      regions: { eu: "eu.anthropic.claude-fable-5-1", us: "us.anthropic.claude-fable-5-1" },
    },
    "claude-fable-5-2": { family: "claude-4.7", regions: { eu: "eu.anthropic.claude-fable-5-2", us: "us.anthropic.claude-fable-5-2" } },
    "claude-mythos-5": {
      created: "2026-06-09",
      family: "claude-4.7",
      regions: { eu: "eu.anthropic.claude-mythos-5", us: "us.anthropic.claude-mythos-5" },
    },
  },
  azure: {
    // The names that Weir was first asked for.
    "gpt-35-turbo": { created: "2023-02-28", retired: true, family: "cl100k" },
    "gpt-4": { created: "2023-06-27", retired: true, family: "cl100k" },
    "gpt-4o": { created: "2024-05-13", retired: "2026-10-01", family: "o200k" },
    "gpt-4o-mini": { created: "2024-07-18", retired: "2026-10-01", family: "o200k" },
    "o1-preview": { created: "2024-09-12", retired: true, family: "o200k" },
    "o3-mini": { created: "2025-01-31", retired: "2026-10-01", family: "o200k" },

    o1: { created: "2024-12-17", retired: "2026-09-16", family: "o200k" },
    "gpt-4.1": { created: "2025-04-14", retired: "2026-10-14", family: "o200k" },
    "gpt-4.1-mini": { created: "2025-04-14", retired: "2026-10-14", family: "o200k" },
    "gpt-4.1-nano": { created: "2025-04-14", retired: "2026-10-14", family: "o200k" },
    o3: { created: "2025-04-16", family: "o200k" },
    "o4-mini": { created: "2025-04-16", retired: "2026-10-16", family: "o200k" },

    "gpt-5": { created: "2025-08-07", retired: "2027-02-06", family: "o200k" },
    "gpt-5-mini": { created: "2025-08-07", retired: "2027-02-06", family: "o200k" },
    "gpt-5-nano": { created: "2025-08-07", retired: "2027-02-06", family: "o200k" },
    "gpt-5-codex": { created: "2025-09-15", family: "o200k" },
    "gpt-5-pro": { created: "2025-10-06", family: "o200k" },
    "gpt-5.1": { created: "2025-11-13", retired: "2027-05-15", family: "o200k" },
    "gpt-5.1-codex": { created: "2025-11-13", family: "o200k" },
    "gpt-5.1-codex-mini": { created: "2025-11-13", family: "o200k" },
    "gpt-5.1-codex-max": { created: "2025-12-04", family: "o200k" },
    "gpt-5.2": { created: "2025-12-11", family: "o200k" },
    "gpt-5.2-codex": { created: "2026-01-14", family: "o200k" },
    "gpt-5.3-codex": { created: "2026-02-24", family: "o200k" },
    "gpt-5.4": { created: "2026-03-05", retired: "2027-03-05", family: "o200k" },
    "gpt-5.4-mini": { created: "2026-03-17", family: "o200k" },
    "gpt-5.4-nano": { created: "2026-03-17", family: "o200k" },
    "gpt-5.4-pro": { created: "2026-03-05", family: "o200k" },
    "gpt-5.5": { created: "2026-04-23", retired: "2027-04-23", family: "o200k" },
    "gpt-6-astra": { created: "2026-09-03", family: "o200k" },

    "text-embedding-3-small": { created: "2024-01-25", family: "cl100k" },
    "text-embedding-3-large": { created: "2024-01-25", family: "cl100k" },
    "text-embedding-ada-002": { created: "2022-12-15", family: "cl100k" },
  },
};
