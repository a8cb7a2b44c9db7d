import { type CreatedKey, createdKey, keys } from "../admin/schemas.ts";
import type { Shown, Subcommand } from "./command.ts";
import { runImport } from "./import.ts";
import { readCount, readSpan, shownMoment, spokenMoment, table } from "./terminal.ts";

const WORKSPACE = { value: "W", about: "name of the workspace", needed: true } as const;

export const keySubcommands: readonly Subcommand[] = [
  {
    words: ["keys", "create"],
    about: "make a key; it is shown only this once",
    options: {
      workspace: WORKSPACE,
      name: { value: "N", about: "its name in logs and lists", needed: true },
      expires: { value: "T", about: "when it ends: 2027-01-01T00:00:00Z, or a span such as 30d or 12h (default: never)" },
      "max-concurrent": { value: "N", about: "most calls that it may have open at the same time (default: as many as its workspace)" },
    },
    run: async (administration, _, { workspace = "", name, expires, "max-concurrent": most }) => {
      const bound = most === undefined ? {} : { max_concurrent: readCount("max-concurrent", most) };
      const expiry = expires === undefined ? {} : { expires_at: spokenMoment("expires", expires, Date.now()) };
      return shownOnce(await administration.ask("POST", of(workspace), createdKey, { name, ...expiry, ...bound }));
    },
  },
  {
    words: ["keys", "list"],
    about: "list the keys of a workspace, without the keys themselves",
    options: { workspace: WORKSPACE },
    run: async (administration, _, { workspace = "" }, program) => {
      const { data } = await administration.all(of(workspace), keys);
      const rows = data.map((key) => [
        key.id,
        key.name,
        key.source,
        shownMoment(key.created_at, "-"),
        shownMoment(key.last_used_at, "-"),
        shownMoment(key.expires_at, "never"),
        String(key.max_concurrent ?? "-"),
      ]);
      const text =
        rows.length === 0
          ? `${workspace} has no keys. Make one: ${program} keys create --workspace ${workspace} --name NAME`
          : table([["ID", "NAME", "KEPT IN", "CREATED", "LAST USED (HOUR)", "EXPIRES", "AT A TIME"], ...rows]);
      return { json: { data }, text };
    },
  },
  {
    words: ["keys", "rotate"],
    argument: "ID",
    about: "make a new key in place of an old one, which ends after the grace",
    options: {
      grace: { value: "1h", about: "how long the old key still works, such as 30m, 1h or 7d (default: it ends at once)" },
      expires: { value: "T", about: "when the new key ends: a time, a span such as 30d, or never (default: when the old one would)" },
    },
    run: async (administration, id, { grace, expires }) => {
      const body = {
        ...(grace === undefined ? {} : { grace: readSpan("grace", grace) }),
        ...(expires === undefined ? {} : { expires_at: expires === "never" ? null : spokenMoment("expires", expires, Date.now()) }),
      };
      const { json, text } = shownOnce(await administration.ask("POST", `/keys/${encodeURIComponent(id)}/rotate`, createdKey, body));
      const old = grace === undefined ? "does not work any more" : `works for ${grace} more, unless it expires sooner`;
      return { json, text: `${text}\nThe key before it, ${id}, ${old}.` };
    },
  },
  {
    words: ["keys", "revoke"],
    argument: "ID",
    about: "end a key, at once",
    options: {},
    run: async (administration, id) => {
      await administration.tell("DELETE", `/keys/${encodeURIComponent(id)}`);
      return { json: { id, revoked: true }, text: `${id} is revoked.` };
    },
  },
  {
    words: ["keys", "import"],
    argument: "FILE",
    about: "copy the keys and workspaces of a key file into Redis, when a gateway moves there",
    options: {},
    runOnStore: runImport,
  },
];

function of(workspace: string): string {
  return `/workspaces/${encodeURIComponent(workspace)}/keys`;
}

function shownOnce(made: CreatedKey): Shown {
  const rows = [
    ["key", made.key],
    ["id", made.id],
    ["name", made.name],
    ["workspace", made.workspace],
    ["expires", shownMoment(made.expires_at, "never")],
  ];
  return { json: made, text: `${table(rows)}\n\nThe key is shown only this once: keep it now.` };
}
