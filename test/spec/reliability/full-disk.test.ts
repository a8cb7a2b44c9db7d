/** Keys are kept in a file, and its disk is full. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { register } from "../../support/collected.ts";
import { startWeir } from "../../support/weir.ts";

const TOKEN = "full-disk-admin-token-60e2";
const DISK_BYTES = 64 * 1024;
/** A disk that this program alone sees. The shell runs the program in its place, so that signals reach the gateway. */
const onSmallDisk = (folder: string) => [
  "unshare",
  "-rm",
  "sh",
  "-c",
  `mount -t tmpfs -o size=${DISK_BYTES} tmpfs "$0" && exec "$@"`,
  folder,
];
const canMount = spawnSync("unshare", ["-rm", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]).status === 0;
const title =
  "a full disk refuses a new key in words that say so, keeps every key that there is, and takes new ones again when there is room";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

test.skipIf(!canMount)(
  canMount ? title : `${title} [not here: this system lets nobody mount a disk of his own]`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "weir-full-"));
    const disk = join(folder, "disk");
    mkdirSync(disk);
    const file = join(disk, "keys.json");
    const azure = {
      provider: "azure",
      region: "eu",
      endpoint: sandbox.azure.url,
      credentials: { api_key: sandbox.credentials.apiKeys[0] },
    };
    const config = {
      admin: { token: TOKEN },
      workers: 1,
      directory: { file },
      upstreams: { azure },
      models: { gpt: { targets: [{ upstream: "azure", model: "gpt-4o" }] } },
      workspaces: { team: { default_region: "eu" } },
    };
    const weir = await startWeir({ config, folder, through: onSmallDisk(disk) });
    try {
      const seen = (path: string) => `/proc/${weir.child.pid}/root${path}`;
      const create = async (name: string) => {
        const answer = await fetch(`${weir.adminUrl}/admin/v1/workspaces/team/keys`, {
          method: "POST",
          headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
          body: JSON.stringify({ name }),
        });
        const { key = "", error } = (await answer.json()) as { key?: string; error?: { message: string } };
        register(`the key "${name}"`, key);
        return { status: answer.status, key, message: error?.message ?? "" };
      };
      const ask = async (key: string) => {
        const body = JSON.stringify({ model: "gpt", messages: [{ role: "user", content: "Hello" }] });
        const headers = { "content-type": "application/json", authorization: `Bearer ${key}` };
        return (await fetch(`${weir.url}/openai/eu/v1/chat/completions`, { method: "POST", headers, body })).status;
      };

      const first = await create("first");
      expect([first.status, await ask(first.key)]).toEqual([201, 200]);
      const before = readFileSync(seen(file), "utf8");
      const filler = seen(join(disk, "filler"));
      expect(() => writeFileSync(filler, Buffer.alloc(2 * DISK_BYTES))).toThrow(/ENOSPC|no space/i);

      const refused = await create("second");
      expect(refused).toEqual({ status: 503, key: "", message: expect.stringMatching(/full/) });
      expect(refused.message).not.toContain("weir_");
      expect(readFileSync(seen(file), "utf8")).toBe(before);
      expect(await ask(first.key)).toBe(200);

      rmSync(filler);
      const third = await create("third");
      expect([third.status, await ask(third.key), await ask(first.key)]).toEqual([201, 200, 200]);
      expect(Object.keys(JSON.parse(readFileSync(seen(file), "utf8")))).toEqual(Object.keys(JSON.parse(before)));
      expect(await weir.stop()).toBe(0);
    } finally {
      weir.child.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    }
  },
  20_000,
);
