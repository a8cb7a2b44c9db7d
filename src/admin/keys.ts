import { milliseconds } from "../config/units.ts";
import { readMoment } from "../contract/moment.ts";
import type { DirectoryActions } from "../directory/directory.ts";
import type { Audit } from "./audit.ts";
import { readChecked } from "./checked.ts";
import { page } from "./paging.ts";
import { AdminRefusal } from "./refusal.ts";
import type { AdminRoute } from "./route.ts";
import { createdKey, keys, newKey, rotation } from "./schemas.ts";
import { createdText, keyText } from "./wire.ts";

const OF_WORKSPACE = "/admin/v1/workspaces/{workspace}/keys";
const ONE = "/admin/v1/keys/{key}";

/** A grace that is longer than this is not a rotation. */
const LONGEST_GRACE_MS = 90 * 86_400_000;

export function keyRoutes(directory: DirectoryActions, audit: Audit): AdminRoute[] {
  return [
    {
      method: "GET",
      path: OF_WORKSPACE,
      operation: "listKeys",
      tag: "Keys",
      summary: "The keys of a workspace",
      paged: true,
      answer: { status: 200, description: "In the order of their ids. Never the keys themselves.", body: keys },
      refusals: ["invalid", "unknown"],
      reply: ({ params: { workspace = "" }, query }) => {
        const { data, ...rest } = page(directory.keys(workspace), ({ id }) => id, query);
        return Response.json({ data: data.map(keyText), ...rest });
      },
    },
    {
      method: "POST",
      path: OF_WORKSPACE,
      operation: "createKey",
      tag: "Keys",
      summary: "Make a key",
      description: "Workspaces of the configuration file can have keys that are made here, in addition to those of the file.",
      body: newKey,
      answer: { status: 201, description: "The key, which is shown only now. It works at once, on every gateway.", body: createdKey },
      refusals: ["invalid", "unknown", "too_large", "unavailable"],
      reply: async ({ request, params: { workspace = "" }, address }) => {
        const { name, expires_at, max_concurrent } = await readChecked(request, newKey);
        const made = await directory.createKey(workspace, { name, expiresAtMs: momentOf(expires_at), maxConcurrent: max_concurrent });
        audit.changed("key.created", address, { workspace, key: made.entry.id });
        return Response.json(createdText(made), { status: 201 });
      },
    },
    {
      method: "POST",
      path: `${ONE}/rotate`,
      operation: "rotateKey",
      tag: "Keys",
      summary: "Replace a key by a new one",
      description:
        "The new key has the name, the workspace and the bound of calls of the old one, and its expiry unless another is given. The old key ends after the grace, or at once where no grace is given. A key can be rotated once; after that, rotate the new key.",
      body: rotation,
      answer: { status: 201, description: "The new key, which is shown only now.", body: createdKey },
      refusals: ["invalid", "unknown", "read_only", "replaced", "too_large", "unavailable"],
      reply: async ({ request, params: { key = "" }, address }) => {
        const { grace = "0s", expires_at } = await readChecked(request, rotation);
        const graceMs = milliseconds(grace);
        if (!(graceMs <= LONGEST_GRACE_MS)) throw new AdminRefusal("invalid", "grace: expected at most 90d");
        const made = await directory.rotateKey(key, graceMs, expires_at === undefined ? undefined : { atMs: momentOf(expires_at) });
        audit.changed("key.rotated", address, { workspace: made.entry.workspace, key: made.entry.id, replaces: key });
        return Response.json(createdText(made), { status: 201 });
      },
    },
    {
      method: "DELETE",
      path: ONE,
      operation: "revokeKey",
      tag: "Keys",
      summary: "Revoke a key",
      answer: { status: 204, description: "It is refused from now on, on every gateway within a second." },
      refusals: ["unknown", "read_only", "unavailable"],
      reply: async ({ params: { key = "" }, address }) => {
        await directory.revokeKey(key);
        audit.changed("key.revoked", address, { key });
        return new Response(null, { status: 204 });
      },
    },
  ];
}

/** @throws AdminRefusal for a time that no calendar has */
function momentOf(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined) return undefined;
  const moment = readMoment(text);
  if (moment !== undefined) return moment;
  throw new AdminRefusal("invalid", "expires_at: expected a time such as 2027-01-01T00:00:00Z, got one that no calendar has");
}
