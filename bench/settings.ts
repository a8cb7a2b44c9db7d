/** How long and how much a run measures: for figures, or (smoke) only to see whether all answers are right. */
import { spawnSync } from "node:child_process";

export interface Settings {
  rounds: number;
  /** The warm-up of a program that is compiled while it runs. A program that is compiled before needs only a second (`job.ts`). */
  warmUpMs: number;
  countMs: number;
  /** The most connections in one measurement. */
  mostCallers: number;
  /** By how much paced streams are faster. */
  hurry: number;
  /** Where the kind of load allows it, programs are started and warmed up once, and then loaded this many times. With 0, each round has fresh processes. */
  turns: number;
  /** Each measurement starts new processes, and the load comes from a separate process. */
  fresh: boolean;
}

/** The files that a process has open beside the sockets of its calls. A gateway has two sockets for each call. */
const OTHER_FILES = 600;
const mostFiles = Number(spawnSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" }).stdout) || Number.POSITIVE_INFINITY;

export const MEASURING: Settings = {
  rounds: 5,
  warmUpMs: 10_000,
  countMs: 5_000,
  mostCallers: Math.floor((mostFiles - OTHER_FILES) / 2),
  hurry: 1,
  turns: 0,
  fresh: true,
};

export const SMOKE: Settings = { rounds: 1, warmUpMs: 0, countMs: 50, mostCallers: 8, hurry: 20, turns: 0, fresh: false };

/** A turn is shorter than a measurement with fresh processes, because nothing has to settle in it. */
const TURN_MS = 1_500;

export function settingsOf({ isSmoke, isTargets, rounds, seconds }: Asked): Settings {
  const base = isSmoke ? SMOKE : isTargets ? { ...MEASURING, countMs: TURN_MS } : MEASURING;
  const settings = { ...base, rounds: rounds ?? base.rounds, countMs: seconds === undefined ? base.countMs : seconds * 1_000 };
  return isTargets ? { ...settings, turns: settings.rounds } : settings;
}

/** The settings of the command line. */
interface Asked {
  isSmoke: boolean;
  isTargets: boolean;
  rounds: number | undefined;
  seconds: number | undefined;
}
