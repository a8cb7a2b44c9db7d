import { type UsagePage, usage, type Workspace, workspace, workspaces } from "../admin/schemas.ts";
import { type Subcommand, UsageMistake } from "./command.ts";
import { readCount, shownMoment, table } from "./terminal.ts";

const SETTINGS = {
  "default-region": { value: "R", about: "region for routes that have no region in their path" },
  rpm: { value: "N", about: "requests per minute, for each model" },
  tpm: { value: "N", about: "tokens per minute, for each model" },
  "max-concurrent": { value: "N", about: "most calls that it may have open at the same time" },
} as const;

export const workspaceSubcommands: readonly Subcommand[] = [
  {
    words: ["workspaces", "create"],
    argument: "NAME",
    about: "make a workspace",
    options: {
      "default-region": { value: "R", about: `${SETTINGS["default-region"].about} (default: none)` },
      rpm: { value: "N", about: `${SETTINGS.rpm.about} (default: the configuration's)` },
      tpm: { value: "N", about: `${SETTINGS.tpm.about} (default: the configuration's)` },
      "max-concurrent": { value: "N", about: `${SETTINGS["max-concurrent"].about} (default: half of all)` },
    },
    run: async (administration, name, options, program) => {
      const made = await administration.ask("POST", "/workspaces", workspace, { name, ...settings(options) });
      const next = `Give it a key: ${program} keys create --workspace ${name} --name NAME`;
      return { json: made, text: `${name} is made. ${limitsText(made)}\n${next}` };
    },
  },
  {
    words: ["workspaces", "list"],
    about: "list all workspaces",
    options: {},
    run: async (administration, _, _options, program) => {
      const { data } = await administration.all("/workspaces", workspaces);
      const rows = data.map(({ name, source, default_region, limits: { rpm, tpm }, keys }) => [
        name,
        source,
        default_region ?? "-",
        String(rpm ?? "default"),
        String(tpm ?? "default"),
        String(keys),
      ]);
      const text =
        rows.length === 0
          ? `There are no workspaces. Make one: ${program} workspaces create NAME`
          : table([["NAME", "KEPT IN", "REGION", "RPM", "TPM", "KEYS"], ...rows]);
      return { json: { data }, text };
    },
  },
  {
    words: ["workspaces", "update"],
    argument: "NAME",
    about: "change settings of a workspace; what is left out is not changed",
    options: SETTINGS,
    run: async (administration, name, options) => {
      const changes = settings(options);
      if (changes.default_region === undefined && changes.max_concurrent === undefined && Object.keys(changes.limits).length === 0)
        throw new UsageMistake("workspaces update: give at least one of --default-region, --rpm, --tpm and --max-concurrent.");
      const path = `/workspaces/${encodeURIComponent(name)}`;
      const { default_region: region, max_concurrent: most, limits, models } = await administration.ask("GET", path, workspace);
      const before = { ...(region === null ? {} : { default_region: region }), ...(most == null ? {} : { max_concurrent: most }) };
      const body = { ...before, ...changes, limits: { ...limits, ...changes.limits }, models };
      const changed = await administration.ask("PUT", path, workspace, body);
      return { json: changed, text: `${name} is changed. ${limitsText(changed)}` };
    },
  },
  {
    words: ["workspaces", "remove"],
    argument: "NAME",
    about: "remove a workspace with all its keys, at once",
    options: {},
    run: async (administration, name) => {
      await administration.tell("DELETE", `/workspaces/${encodeURIComponent(name)}`);
      return { json: { name, removed: true }, text: `${name} is removed. Its keys no longer work.` };
    },
  },
  {
    words: ["workspaces", "usage"],
    argument: "NAME",
    about: "show what it has used in the last 60 seconds, with its limits, and by day",
    isLive: true,
    options: {},
    run: async (administration, name) => {
      const { data, since } = await administration.all(`/workspaces/${encodeURIComponent(name)}/usage`, usage);
      return { json: { data, since }, text: usageText(name, data, since) };
    },
  },
];

/** With more models than this, those without a call are not listed: they would hide the few that have calls. */
const MOST_LISTED = 10;

type ModelUsage = UsagePage["data"][number];

function usageText(name: string, models: ModelUsage[], since: string | null): string {
  const listed = models.length <= MOST_LISTED ? models : models.filter((model) => !isIdle(model));
  const windows = listed.map(({ model, requests, tokens }) => [model, windowText(requests), windowText(tokens)]);
  const days = models.flatMap(({ model, days: all }) => all.map((day) => ({ model, ...day })));
  days.sort((one, other) => (one.day === other.day ? 0 : one.day < other.day ? 1 : -1));
  const counted = days.map(({ day, model, requests, ...tokens }) => [
    day,
    model,
    ...[
      requests,
      tokens.input_tokens,
      tokens.output_tokens,
      tokens.reasoning_tokens,
      tokens.cache_read_tokens,
      tokens.cache_write_5m_tokens,
      tokens.cache_write_1h_tokens,
    ].map(String),
  ]);
  const head = ["DAY (UTC)", "MODEL", "REQUESTS", "INPUT", "OUTPUT", "REASONING", "CACHE READ", "CACHE WRITE 5M", "CACHE WRITE 1H"];
  return [
    ...(models.length === 0 ? [`${name} has no models.`] : []),
    ...(windows.length === 0 ? [] : [`The last 60 seconds\n${table([["MODEL", "REQUESTS", "TOKENS"], ...windows])}`]),
    ...(listed.length === models.length ? [] : [idleText(models.filter(isIdle))]),
    counted.length === 0 ? "No calls so far." : `Days\n${table([head, ...counted])}`,
    ...(since === null ? [] : [`Counted since ${shownMoment(since, "")}, when this gateway started.`]),
  ].join("\n\n");
}

/** A line about the models that the table leaves out; `--json` has the limits of each. */
function idleText(models: readonly ModelUsage[]): string {
  const limits = new Set(models.map(({ requests, tokens }) => `${requests?.limit} requests and ${tokens?.limit} tokens per minute`));
  const each = limits.size === 1 ? `each may use ${[...limits].join()}` : "their limits differ; --json lists them";
  return `${models.length} models have had no call in the last 60 seconds: ${each}.`;
}

function isIdle({ requests, tokens }: ModelUsage): boolean {
  return requests !== null && tokens !== null && requests.used === 0 && tokens.used === 0;
}

/** @throws UsageMistake */
function settings({ "default-region": region, rpm, tpm, "max-concurrent": most }: Readonly<Record<string, string | undefined>>) {
  const limits = {
    ...(rpm === undefined ? {} : { rpm: readCount("rpm", rpm) }),
    ...(tpm === undefined ? {} : { tpm: readCount("tpm", tpm) }),
  };
  const bound = most === undefined ? {} : { max_concurrent: readCount("max-concurrent", most) };
  return { ...(region === undefined ? {} : { default_region: region }), ...bound, limits };
}

function limitsText({ limits: { rpm, tpm } }: Workspace): string {
  const [requests, tokens] = [rpm, tpm].map((limit) => (limit === undefined ? "the configuration's number of" : String(limit)));
  return `Each model may use ${requests} requests and ${tokens} tokens per minute.`;
}

function windowText(window: ModelUsage["requests"]): string {
  if (window === null) return "-";
  return `${window.used} of ${window.limit}${window.reserved === 0 ? "" : ` (${window.reserved} reserved)`}`;
}
