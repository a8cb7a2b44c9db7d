/** A gateway that has no descriptor left: it says so, costs nothing meanwhile, and recovers by itself. */
import { describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { eventually, pause } from "../../support/waits.ts";
import { type RuntimeName, startWeir, type Weir } from "../../support/weir.ts";

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
      await exhaust(weir, pid, weir.url, async () => {
        expect((await fetch(`${weir.adminUrl}/healthz`)).status).toBe(200);
      });
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
  await exhaust(weir, pid, weir.adminUrl, async (client) => {
    // To answer, it asks its processes: over connections that it still has, or not at all.
    let answer = "";
    client.on("data", (bytes) => {
      answer += bytes;
    });
    client.write("TP/1.1\r\nHost: gw\r\n\r\n");
    await eventually(() => answer !== "", "an answer");
    expect(answer).toMatch(/^HTTP\/1\.1 (?:200|503) /);
  });
  expect(await weir.stop("SIGTERM")).toBe(0);
}, 30_000);

/**
 * Leaves a process few descriptors, which clients of this listener take with half a request each, until the process says so. Then the clients leave, and it
 * answers again.
 * @param meanwhile - The client was taken, and is at `GET /readyz HT`.
 */
async function exhaust(weir: Weir, pid: number, url: string, meanwhile: (client: Socket) => Promise<void>): Promise<void> {
  const open = readdirSync(`/proc/${pid}/fd`).length;
  execFileSync("prlimit", ["--pid", String(pid), `--nofile=${open + FREE}`]);
  const clients = Array.from({ length: CLIENTS }, () => {
    const client = connect(Number(new URL(url).port), "127.0.0.1", () => client.write("GET /readyz HT"));
    return client.on("error", () => {});
  });
  await weir.logged(({ message }) => String(message).startsWith("no descriptors are left"));
  const [beforeMs, startedMs] = [cpuMs(pid), performance.now()];
  await pause(MEASURED_MS);
  expect((cpuMs(pid) - beforeMs) / (performance.now() - startedMs)).toBeLessThan(MOST_CPU_SHARE);
  await meanwhile(clients[0] as Socket);
  for (const client of clients) client.destroy();
  await weir.logged(({ message }) => String(message).startsWith("there are descriptors again"));
  await eventually(async () => (await fetch(`${url}/healthz`)).ok, "it to answer again");
}

/** None where the process has ended meanwhile: a runtime may start programs that live for a moment. */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw thrown;
  }
}

/**
 * The first that has several children: a runtime may be started by a script. Undefined while there is none: on a busy machine one of the processes answers
 * before the supervisor has started the other one, and then that process would be taken for the supervisor.
 */
function supervisorOf(pid: number): number | undefined {
  const children = childrenOf(pid);
  if (children.length > 1) return pid;
  return children[0] === undefined ? undefined : supervisorOf(children[0]);
}

/** A runtime may be started by a script: the last process of that line is the gateway. */
function innermost(pid: number): number {
  const [child] = childrenOf(pid);
  return child === undefined ? pid : innermost(child);
}

/** Processor time of the whole process, as the system counts it. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(" ");
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
}
