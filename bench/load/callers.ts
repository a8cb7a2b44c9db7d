/** A number of callers. Each one makes its next call as soon as the last one is answered. First there is a warm-up, then the count. */
import { cpuMicros } from "../processes.ts";
import { type Answer, Connection, check, requestBytes, Tally } from "./connection.ts";
import type { Target } from "./job.ts";

const WARM_UP_CALLERS = 16;

export interface Calling {
  target: Target;
  request: Uint8Array;
  /** Throws where the answer is wrong. */
  check(answer: Answer): void;
  callers: number;
  /** The first calls are spread over this time: streams of the same pace that begin together would all send at the same moments. */
  spreadMs: number;
  warmUpMs: number;
  countMs: number;
}

export interface Counted {
  tally: Tally;
  cpuMicros: number;
  elapsedMs: number;
  /** How many answers ended, and how many bytes of bodies came, during the count. */
  answers: number;
  bytes: number;
  latenciesMs: number[];
}

export async function keepCalling({ target, request, check, callers, spreadMs, warmUpMs, countMs }: Calling): Promise<Counted> {
  const tally = new Tally();
  const connections = await Promise.all(Array.from({ length: callers }, () => Connection.open(target, tally)));
  const latenciesMs: number[] = [];
  let isOver = false;
  const calling = Promise.all(
    connections.map(async (connection, at) => {
      await Bun.sleep((spreadMs * at) / callers);
      while (!isOver) {
        const answer = await connection.ask(request);
        check(answer);
        if (tally.counting) latenciesMs.push(answer.endedMs - answer.begunMs);
      }
    }),
  );
  await Promise.race([calling, Bun.sleep(warmUpMs + spreadMs)]);
  const [cpu, bytes, sinceMs] = [cpuMicros(target.pids), tally.bytes, performance.now()];
  tally.counting = true;
  await Promise.race([calling, Bun.sleep(countMs)]);
  tally.counting = false;
  const counted = {
    tally,
    cpuMicros: cpuMicros(target.pids) - cpu,
    elapsedMs: performance.now() - sinceMs,
    answers: latenciesMs.length,
    bytes: tally.bytes - bytes,
    latenciesMs,
  };
  isOver = true;
  await calling;
  for (const connection of connections) connection.leave();
  return counted;
}

/** Calls without pauses, even where the measured ones have pauses, because the runtime compiles code while it is used much. */
export async function warmUp(target: Target, body: string, warmUpMs: number = target.warmUpMs): Promise<void> {
  if (warmUpMs === 0) return;
  await keepCalling({
    target,
    request: requestBytes({ ...target, path: target.warmUpPath }, body),
    check: (answer) => check(target, target.expect, answer),
    callers: WARM_UP_CALLERS,
    spreadMs: 0,
    warmUpMs,
    countMs: 0,
  });
}
