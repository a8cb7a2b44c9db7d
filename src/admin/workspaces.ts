import { didYouMean, spell } from "../config/problems.ts";
import type { Config } from "../contract/config.ts";
import type { DirectoryActions } from "../directory/directory.ts";
import type { Audit } from "./audit.ts";
import { readChecked } from "./checked.ts";
import { page } from "./paging.ts";
import { AdminRefusal } from "./refusal.ts";
import type { AdminRoute } from "./route.ts";
import { newWorkspace, type WorkspaceSettings, workspace, workspaceSettings, workspaces } from "./schemas.ts";
import { settingsOf, workspaceText } from "./wire.ts";

const ALL = "/admin/v1/workspaces";
const ONE = `${ALL}/{workspace}`;

/** The upstreams and models that all workspaces share. */
export type Served = Pick<Config, "upstreams" | "models">;

export function workspaceRoutes(directory: DirectoryActions, audit: Audit, served: () => Served): AdminRoute[] {
  return [
    {
      method: "GET",
      path: ALL,
      operation: "listWorkspaces",
      tag: "Workspaces",
      summary: "All workspaces",
      paged: true,
      answer: { status: 200, description: "In the order of their names.", body: workspaces },
      refusals: ["invalid"],
      reply: ({ query }) => {
        const { data, ...rest } = page(directory.workspaces(), ({ name }) => name, query);
        return Response.json({ data: data.map(workspaceText), ...rest });
      },
    },
    {
      method: "POST",
      path: ALL,
      operation: "createWorkspace",
      tag: "Workspaces",
      summary: "Make a workspace",
      description: "It has the shared models, within its own limits. Its name cannot be changed later.",
      body: newWorkspace,
      answer: { status: 201, description: "It is there, on every gateway within a second.", body: workspace },
      refusals: ["invalid", "exists", "read_only", "too_large", "unavailable"],
      reply: async ({ request, address }) => {
        const { name, ...settings } = await readChecked(request, newWorkspace);
        checkServed(settings, served());
        const made = await directory.createWorkspace(settingsOf(name, settings));
        audit.changed("workspace.created", address, { workspace: name });
        return Response.json(workspaceText(made), { status: 201 });
      },
    },
    {
      method: "GET",
      path: ONE,
      operation: "getWorkspace",
      tag: "Workspaces",
      summary: "One workspace",
      answer: { status: 200, description: "The workspace.", body: workspace },
      refusals: ["unknown"],
      reply: ({ params: { workspace: asked = "" } }) => {
        const found = directory.workspaces().find(({ name }) => name === asked);
        if (found === undefined) throw new AdminRefusal("unknown", "There is no such workspace. GET /admin/v1/workspaces lists them.");
        return Response.json(workspaceText(found));
      },
    },
    {
      method: "PUT",
      path: ONE,
      operation: "updateWorkspace",
      tag: "Workspaces",
      summary: "Give a workspace other settings",
      description: "The new settings replace all earlier ones: a setting that is left out is no longer set. The keys stay.",
      body: workspaceSettings,
      answer: { status: 200, description: "They are in force, on every gateway within a second.", body: workspace },
      refusals: ["invalid", "unknown", "read_only", "too_large", "unavailable"],
      reply: async ({ request, params: { workspace: asked = "" }, address }) => {
        const settings = await readChecked(request, workspaceSettings);
        checkServed(settings, served());
        const changed = await directory.updateWorkspace(settingsOf(asked, settings));
        audit.changed("workspace.updated", address, { workspace: asked });
        return Response.json(workspaceText(changed));
      },
    },
    {
      method: "DELETE",
      path: ONE,
      operation: "removeWorkspace",
      tag: "Workspaces",
      summary: "Remove a workspace with all its keys",
      answer: { status: 204, description: "It is gone, and none of its keys works." },
      refusals: ["unknown", "read_only", "unavailable"],
      reply: async ({ params: { workspace: asked = "" }, address }) => {
        await directory.removeWorkspace(asked);
        audit.changed("workspace.removed", address, { workspace: asked });
        return new Response(null, { status: 204 });
      },
    },
  ];
}

/** @throws AdminRefusal for a region or a model that no upstream serves: every call would get a 404 because of this mistake */
function checkServed({ default_region: region, models = {} }: WorkspaceSettings, { upstreams, models: shared }: Served): void {
  const regions = [...new Set(Object.values(upstreams).map((upstream) => upstream.region))].sort();
  if (region !== undefined && !regions.includes(region))
    throw new AdminRefusal("invalid", `default_region: expected one of ${regions.join(", ")}`);
  const unknown = Object.keys(models).find((model) => !Object.hasOwn(shared, model));
  if (unknown === undefined) return;
  const cure = didYouMean(unknown, Object.keys(shared));
  throw new AdminRefusal("invalid", `${spell(["models", unknown])}: expected the name of a shared model${cure}`);
}
