/**
 * By command: `bun test/unit/http/unfinished.ts [connections] [runtime]`. This many clients send part of a head and no more. Prints what each costs, how long other
 * clients wait, and when all have gone. Needs twice as many descriptors as connections (`ulimit -n`).
 */
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import process from "node:process";
import { pause } from "../../support/waits.ts";
import { type RuntimeName, startWeir } from "../../support/weir.ts";

const [count = "5000", runtime = "bun"] = process.argv.slice(2);
const HEAD_MS = 10_000;
const MEASURED_MS = 5_000;
const HEAD = `POST /openai/eu/v1/chat/completions HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer ${"x".repeat(40)}\r\nX-Sent: `;

/** The process that does the work: a runtime may be started by a script, and then it is the child of that process. */
function innermost(pid: number): number {
  const child = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ")[0]);
  return child > 0 ? innermost(child) : pid;
}

const bound = HEAD_MS / 1000;
const weir = await startWeir({
  runtime: runtime as RuntimeName,
  config: {
    server: { head_timeout: `${bound}s` },
    workers: 1,
    upstreams: { b: { provider: "bedrock", region: "eu", aws_region: "eu-central-1", credentials: { bearer_token: "0123456789" } } },
    workspaces: {},
  },
});
const port = Number(new URL(weir.url).port);
const pid = innermost(weir.child.pid ?? 0);
const residentKb = () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
const cpuMs = () => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(" ");
  return (Number(fields[13]) + Number(fields[14])) * 10;
};

/** Milliseconds that a neighbour waits for its answers, in order. */
async function neighbour(forMs: number): Promise<number[]> {
  const waits: number[] = [];
  for (const endMs = performance.now() + forMs; performance.now() < endMs; await pause(2)) {
    const begun = performance.now();
    const answer = await fetch(`${weir.url}/healthz`);
    await answer.text();
    if (answer.status !== 200) throw new Error(`a neighbour got ${answer.status}`);
    waits.push(performance.now() - begun);
  }
  return waits.sort((a, b) => a - b);
}

function quantiles(waits: readonly number[]): string {
  const at = (part: number) => (waits[Math.floor((waits.length - 1) * part)] ?? 0).toFixed(2);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms of ${waits.length}`;
}

async function round(name: string, text: string): Promise<void> {
  const alone = await neighbour(1_000);
  const before = residentKb();
  const busyBefore = cpuMs();
  const beganMs = performance.now();
  let open = 0;
  let lastMs = 0;
  let refused = 0;
  const sockets: Socket[] = [];
  const during = neighbour(MEASURED_MS);
  for (let at = 0; at < Number(count); at++) {
    const socket = connect(port, "127.0.0.1", () => {
      if (text !== "") socket.write(text);
    });
    open++;
    socket.on("data", () => refused++);
    socket.on("error", () => {});
    socket.on("close", () => {
      open--;
      lastMs = performance.now();
    });
    sockets.push(socket);
    if (at % 100 === 99) await pause(5);
  }
  const connectedMs = performance.now() - beganMs;
  const waits = await during;
  const each = (residentKb() - before) / Number(count);
  const still = open;
  while (open > 0 && performance.now() - beganMs < HEAD_MS + connectedMs + 10_000) await pause(20);
  console.log(
    `${name}: ${still} open after ${(connectedMs / 1000).toFixed(1)} s, ${each.toFixed(1)} kB each, ${((cpuMs() - busyBefore) / Number(count)).toFixed(2)} ms of CPU each`,
  );
  console.log(`  neighbours alone: ${quantiles(alone)}; beside them: ${quantiles(waits)}`);
  console.log(`  ${open} left; the last went ${((lastMs - beganMs) / 1000).toFixed(1)} s after the first came; ${refused} got an answer`);
  for (const socket of sockets) socket.destroy();
  await pause(500);
}

console.log(`${count} connections on ${runtime}, head_timeout ${bound} s`);
await round("to warm up", HEAD);
await round("nothing sent", "");
await round("half a head of 150 bytes", HEAD);
await round("a head of 4 kB without its end", HEAD + "y".repeat(4_000 - HEAD.length));
await round("a head of 16 kB without its end", HEAD + "y".repeat(16_000 - HEAD.length));
await weir.stop("SIGKILL");
process.exit(0);
