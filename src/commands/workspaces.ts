import { type Usage, usage, workspace, workspaces } from "../admin/schemas.ts";
import { readCount, told } from "./spoken.ts";
import { table } from "./table.ts";
import type { Verb } from "./verb.ts";

export const workspaceVerbs: readonly Verb[] = [
  {
    words: ["workspaces", "create"],
    argument: "NAME",
    about: "make a workspace",
    options: {
      "default-region": { value: "R", about: "region of the routes that have none in their path (none)" },
      rpm: { value: "N", about: "requests per minute, of each model (the configuration's)" },
      tpm: { value: "N", about: "tokens per minute, of each model (the configuration's)" },
      "max-concurrent": { value: "N", about: "calls that it may have open at a time (half of all)" },
    },
    run: async (administration, name, { "default-region": region, rpm, tpm, "max-concurrent": most }) => {
      const limits = {
        ...(rpm === undefined ? {} : { rpm: readCount("rpm", rpm) }),
        ...(tpm === undefined ? {} : { tpm: readCount("tpm", tpm) }),
      };
      const bound = most === undefined ? {} : { max_concurrent: readCount("max-concurrent", most) };
      const body = { name, ...(region === undefined ? {} : { default_region: region }), ...bound, limits };
      const made = await administration.ask("POST", "/workspaces", workspace, body);
      return { json: made, text: `${name} is made. Give it a key: keys create --workspace ${name} --name NAME` };
    },
  },
  {
    words: ["workspaces", "list"],
    about: "all workspaces",
    options: {},
    run: async (administration) => {
      const { data } = await administration.all("/workspaces", workspaces);
      const rows = data.map(({ name, source, default_region, limits: { rpm, tpm }, keys }) => [
        name,
        source,
        default_region ?? "-",
        String(rpm ?? "-"),
        String(tpm ?? "-"),
        String(keys),
      ]);
      const text =
        rows.length === 0
          ? "There are no workspaces. Make one: workspaces create NAME"
          : table([["NAME", "KEPT IN", "REGION", "RPM", "TPM", "KEYS"], ...rows]);
      return { json: { data }, text };
    },
  },
  {
    words: ["workspaces", "remove"],
    argument: "NAME",
    about: "remove a workspace with all its keys, in force at once",
    options: {},
    run: async (administration, name) => {
      await administration.tell("DELETE", `/workspaces/${encodeURIComponent(name)}`);
      return { json: { name, removed: true }, text: `${name} is removed, and none of its keys works any more.` };
    },
  },
  {
    words: ["workspaces", "usage"],
    argument: "NAME",
    about: "its windows as they stand now, and requests and tokens by day",
    options: {},
    run: async (administration, name) => {
      const { data, since } = await administration.all(`/workspaces/${encodeURIComponent(name)}/usage`, usage);
      return { json: { data, since }, text: usageText(name, data, since) };
    },
  },
];

function usageText(name: string, models: Usage["data"], since: string | null): string {
  const windows = models.map(({ model, requests, tokens }) => [model, windowText(requests), windowText(tokens)]);
  const days = models.flatMap(({ model, days: all }) => all.map((day) => ({ model, ...day })));
  days.sort((one, other) => (one.day === other.day ? 0 : one.day < other.day ? 1 : -1));
  const counted = days.map(({ day, model, requests, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens }) => [
    day,
    model,
    ...[requests, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens].map(String),
  ]);
  const head = ["DAY (UTC)", "MODEL", "REQUESTS", "INPUT", "OUTPUT", "CACHE READ", "CACHE WRITE"];
  return [
    windows.length === 0 ? `${name} has no models.` : `The last 60 seconds\n${table([["MODEL", "REQUESTS", "TOKENS"], ...windows])}`,
    counted.length === 0 ? "No calls so far." : `Days\n${table([head, ...counted])}`,
    ...(since === null ? [] : [`Counted since ${told(since, "")}, when this gateway started.`]),
  ].join("\n\n");
}

function windowText(window: Usage["data"][number]["requests"]): string {
  if (window === null) return "-";
  return `${window.used} of ${window.limit}${window.reserved === 0 ? "" : ` (${window.reserved} reserved)`}`;
}
