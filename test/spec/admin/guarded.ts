/** How the admin listener refuses strangers who can reach its port. */
import { expect, test } from "bun:test";
import { connect } from "node:net";
import { eventually } from "../../support/waits.ts";
import { startWeir } from "../../support/weir.ts";
import { type AdminWorld, TOKEN } from "./world.ts";

/** Asks with this Host header, as a page does whose name was made to mean this address; undefined sends none. */
function askAs(host: string | undefined, adminUrl: string, path: string): Promise<string> {
  const lines = [
    `GET ${path} HTTP/1.1`,
    ...(host === undefined ? [] : [`host: ${host}`]),
    `authorization: Bearer ${TOKEN}`,
    "connection: close",
  ];
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(adminUrl).port), "127.0.0.1", () => void socket.write(`${lines.join("\r\n")}\r\n\r\n`));
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (part) => (text += part));
    socket.on("end", () => resolve(text));
    socket.on("error", reject);
  });
}

const statusOf = (answer: string) => Number(answer.split(" ", 2)[1]);

const PATHS = ["/metrics", "/readyz", "/admin/docs", "/admin/openapi.json", "/admin/v1/workspaces"];

export function specifyGuard(world: AdminWorld): void {
  test("a web page whose name was made to mean this address gets no answer from it, with the token or without", async () => {
    for (const host of ["evil.example", "evil.example:9090", "127.0.0.1.evil.example", "localhost.evil.example.", "127.1"]) {
      for (const path of PATHS) {
        const answer = await askAs(host, world.weir.adminUrl, path);
        expect([host, path, statusOf(answer)]).toEqual([host, path, 421]);
        expect(answer).toContain('"kind":"misdirected"');
        expect(answer).toContain("admin.hosts");
        expect(answer).not.toContain("evil");
      }
      expect([host, statusOf(await askAs(host, world.weir.adminUrl, "/healthz"))]).toEqual([host, 200]);
    }
  });

  test("it is known by every address, by names without a dot and by names that no page can have", async () => {
    const known = ["127.0.0.1", "10.1.2.3:9090", "[::1]:9090", "localhost", "LocalHost:9090", "weir.localhost", "weir", "weir:9090"];
    for (const host of [...known, "weir.prod.svc", "weir.prod.svc.cluster.local:9090", "weir.internal."]) {
      for (const path of PATHS) expect([host, path, statusOf(await askAs(host, world.weir.adminUrl, path))]).toEqual([host, path, 200]);
    }
  });

  test("it is known by the names of admin.hosts, with several processes too", async () => {
    for (const processes of [1, 2]) {
      const admin = { token: TOKEN, hosts: ["Weir-Admin.example.com"] };
      const upstreams = { b: { provider: "bedrock", region: "eu", aws_region: "eu-central-1" } };
      const weir = await startWeir({ runtime: world.runtime, config: { admin, upstreams, processes, workers: 1, workspaces: {} } });
      try {
        for (const path of PATHS) {
          const statuses = [];
          for (const host of ["weir-admin.example.com:9090", "other.example.com"])
            statuses.push(statusOf(await askAs(host, weir.adminUrl, path)));
          expect([processes, path, ...statuses]).toEqual([processes, path, 200, 421]);
        }
      } finally {
        await weir.stop();
      }
    }
  }, 20_000);

  test("a client that tries one token after the other has to wait, and then the right one is taken again", async () => {
    const weir = await world.another();
    try {
      const ask = (token: string) => world.admin("GET", "/admin/v1/workspaces", undefined, token, weir);
      const statuses = [];
      for (let at = 0; at < 11; at++) statuses.push((await ask(`guess-${at}`)).status);
      expect(statuses).toEqual(Array.from({ length: 11 }, () => 401));
      const slowed = await ask(TOKEN);
      expect([slowed.status, slowed.json.error.kind, slowed.headers.get("retry-after")]).toEqual([429, "slowed", "1"]);
      for (const path of ["/metrics", "/healthz", "/readyz"])
        expect([path, (await world.admin("GET", path, undefined, null, weir)).status]).toEqual([path, 200]);
      // No token is looked at while the address waits, so that asking makes the wait no longer.
      await eventually(async () => (await ask(TOKEN)).status === 200, "the right token to be taken");
      await weir.logged(({ action, reason }) => action === "sign_in.refused" && reason === "wrong token");
      expect(weir.output()).not.toContain("guess-");
    } finally {
      await weir.stop();
    }
  }, 20_000);
}
