/** How much of everything: a measurement, or a look at whether all is right. */
import { spawnSync } from "node:child_process";

export interface Settings {
  rounds: number;
  /** The warm-up of a program that is compiled as it runs; one that is compiled before takes a second. */
  warmUpMs: number;
  countMs: number;
  /** At most so many connections in one measurement. */
  mostCallers: number;
  /** How many times faster paced streams are. */
  hurry: number;
  /** Programs are started and warmed up once and then loaded in so many turns, where the kind of load allows it; 0: a fresh process for each round. */
  turns: number;
  /** Each measurement by processes that have done nothing before, and load from a process of its own. */
  fresh: boolean;
}

/** Files that a process has besides the sockets of its calls, of which a gateway holds two for each. */
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

/** Turns are shorter than measurements of their own: nothing has to settle in them. */
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
