/** A gateway that has no descriptor left: it says so, costs nothing meanwhile, and recovers by itself. */
import { describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { eventually } from "../../support/waits.ts";
import { type RuntimeName, startWeir } from "../../support/weir.ts";

const CLIENTS = 120;
const FREE = 24;
const MEASURED_MS = 1_500;
/** Beside a busy loop, which takes all of the time; a busy machine slows both. */
const MOST_CPU_SHARE = 0.4;
const TICK_MS = 10;
const SEVERAL = {
  processes: 2,
  workers: 0,
  upstreams: { b: { provider: "bedrock", region: "eu", aws_region: "eu-central-1", credentials: { bearer_token: "0123456789" } } },
};

for (const runtime of ["bun", "deno"] satisfies RuntimeName[]) {
  describe(runtime, () => {
    test("a gateway without descriptors tells it once, does not turn in circles, keeps its admin port, and takes clients again when there are some", async () => {
      const weir = await startWeir({ runtime, environment: { PORT: "0", ADMIN_PORT: "0" } });
      const pid = innermost(weir.child.pid ?? 0);
      const open = readdirSync(`/proc/${pid}/fd`).length;
      execFileSync("prlimit", ["--pid", String(pid), `--nofile=${open + FREE}`]);

      const port = Number(new URL(weir.url).port);
      const clients = Array.from({ length: CLIENTS }, () => {
        const client = connect(port, "127.0.0.1", () => client.write("GET /healthz HT"));
        return client.on("error", () => {});
      });
      await weir.logged(({ message }) => String(message).startsWith("no descriptors are left"));
      const before = cpuMs(pid);
      await Bun.sleep(MEASURED_MS);
      expect((cpuMs(pid) - before) / MEASURED_MS).toBeLessThan(MOST_CPU_SHARE);
      expect((await fetch(`${weir.adminUrl}/healthz`)).status).toBe(200);

      for (const client of clients) client.destroy();
      await weir.logged(({ message }) => String(message).startsWith("there are descriptors again"));
      await eventually(async () => (await fetch(`${weir.url}/healthz`)).ok, "it to answer again");
      expect(weir.log().filter(({ message }) => String(message).includes("descriptors"))).toHaveLength(2);
      expect(await weir.stop("SIGTERM")).toBe(0);
    }, 30_000);
  });
}

test("clients of a supervisor's admin listener take none of the descriptors that a process is replaced over", async () => {
  const weir = await startWeir({ environment: { PORT: "0", ADMIN_PORT: "0" }, config: SEVERAL });
  let pid = 0;
  await eventually(() => {
    pid = supervisorOf(weir.child.pid ?? 0) ?? 0;
    return pid > 0;
  }, "the supervisor to have both of its processes");
  execFileSync("prlimit", ["--pid", String(pid), `--nofile=${readdirSync(`/proc/${pid}/fd`).length + FREE}`]);
  const port = Number(new URL(weir.adminUrl).port);
  const clients = Array.from({ length: CLIENTS }, () => {
    const client = connect(port, "127.0.0.1", () => client.write("GET /healthz HT"));
    return client.on("error", () => {});
  });
  await weir.logged(({ message }) => String(message).startsWith("no descriptors are left"));
  const before = cpuMs(pid);
  await Bun.sleep(MEASURED_MS);
  expect((cpuMs(pid) - before) / MEASURED_MS).toBeLessThan(MOST_CPU_SHARE);
  for (const client of clients) client.destroy();
  await weir.logged(({ message }) => String(message).startsWith("there are descriptors again"));
  await eventually(async () => (await fetch(`${weir.adminUrl}/healthz`)).ok, "it to answer again");
  expect(await weir.stop("SIGTERM")).toBe(0);
}, 30_000);

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}

/**
 * The first that has several children: a runtime may be started by a script of its own. Undefined while there is none: on a busy machine one of the
 * processes answers before the supervisor has started the other one, and then it would be taken for the supervisor.
 */
function supervisorOf(pid: number): number | undefined {
  const children = childrenOf(pid);
  if (children.length > 1) return pid;
  return children[0] === undefined ? undefined : supervisorOf(children[0]);
}

/** A runtime may be started by a script of its own. */
function innermost(pid: number): number {
  const child = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ")[0]);
  return child > 0 ? innermost(child) : pid;
}

/** Of the whole process, as the system counts it. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(" ");
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
}
