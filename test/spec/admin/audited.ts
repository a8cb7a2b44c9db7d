import { expect, test } from "bun:test";
import { type AdminWorld, FILE_KEY, TOKEN } from "./world.ts";

export function specifyAudit(world: AdminWorld): void {
  const audit = () => world.weir.log().filter(({ message }) => message === "audit");

  test("each change leaves one line: what, whose, by which id, from where; and never a key", async () => {
    await world.admin("POST", "/admin/v1/workspaces", { name: "audited" });
    await world.admin("PUT", "/admin/v1/workspaces/audited", {});
    const first = await world.newKey("audited");
    const { json: second } = await world.admin("POST", `/admin/v1/keys/${first.id}/rotate`, { grace: "1h" });
    await world.admin("DELETE", `/admin/v1/keys/${second.id}`);
    await world.admin("DELETE", "/admin/v1/workspaces/audited");
    await world.admin("DELETE", "/admin/v1/workspaces/audited");
    await world.weir.logged(({ action, workspace }) => action === "workspace.removed" && workspace === "audited");
    const who = { level: "info", actor: "admin token", address: "127.0.0.1", message: "audit" };
    const ids = [first.id, second.id];
    const lines = audit().filter(({ workspace, key }) => workspace === "audited" || ids.includes(String(key)));
    expect(lines.map(({ time, ...line }) => line)).toEqual([
      { ...who, action: "workspace.created", workspace: "audited" },
      { ...who, action: "workspace.updated", workspace: "audited" },
      { ...who, action: "key.created", workspace: "audited", key: first.id },
      { ...who, action: "key.rotated", workspace: "audited", key: second.id, replaces: first.id },
      { ...who, action: "key.revoked", key: second.id },
      { ...who, action: "workspace.removed", workspace: "audited" },
    ]);
    for (const secret of [first.key, second.key, TOKEN, FILE_KEY]) expect(world.weir.output()).not.toContain(secret);
  });

  test("a refused sign-in leaves a line, and a flood of them a few", async () => {
    await Promise.all(Array.from({ length: 50 }, () => world.admin("GET", "/admin/v1/workspaces", undefined, "guessed-token-71c0")));
    const { id } = await world.newKey("acme", "after-the-flood");
    await world.weir.logged(({ key }) => key === id);
    const refused = audit().filter(({ action }) => action === "sign_in.refused");
    expect(refused[0]).toMatchObject({ level: "warn", address: "127.0.0.1" });
    expect(refused.length).toBeGreaterThanOrEqual(10);
    expect(refused.length).toBeLessThan(25);
    expect(world.weir.output()).not.toContain("guessed-token");
  });
}
