/** Runs the floods one after the other, and measures the neighbour before and during each. */
import { FILLS, FLOODS } from "./floods.ts";
import type { Took } from "./neighbour.ts";
import { AttackWorld, type Setting } from "./world.ts";

export interface Row {
  name: string;
  quiet: Took;
  during: Took;
  answers: Record<string, number>;
  peakMb: number;
}

export interface FillRow {
  name: string;
  answers: Record<string, number>;
  peakMb: number;
}

export interface Plan extends Setting {
  floods: readonly string[];
  fills: readonly string[];
  /** How long the neighbour is measured each time. */
  seconds: number;
  onRow?(row: Row | FillRow): void;
}

/** A flood begins this long before the neighbour is measured, and ends this long after. */
const BEFORE_SECONDS = 2;
const AFTER_SECONDS = 0.5;

export async function attack(plan: Plan): Promise<{ rows: Row[]; fills: FillRow[]; faults: string[] }> {
  const world = new AttackWorld(plan);
  const rows: Row[] = [];
  const fills: FillRow[] = [];
  try {
    await world.start();
    // The first calls of a process are slower, and are not counted.
    if (plan.floods.length > 0) await world.neighbour(BEFORE_SECONDS);
    for (const name of plan.floods) {
      const row = await flooded(world, name, plan.seconds);
      rows.push(row);
      plan.onRow?.(row);
    }
    for (const name of plan.fills) {
      const { peak, value } = await world.peakWhile(world.flood(name, plan.seconds));
      const row = { name, answers: value, peakMb: peak };
      fills.push(row);
      plan.onRow?.(row);
    }
    return { rows, fills, faults: faultsOf(world) };
  } finally {
    world.stop();
  }
}

async function flooded(world: AttackWorld, name: string, seconds: number): Promise<Row> {
  const quiet = await world.neighbour(seconds);
  const flood = world.flood(name, BEFORE_SECONDS + seconds + AFTER_SECONDS);
  const {
    peak,
    value: [during, answers],
  } = await world.peakWhile(
    Promise.all([new Promise((resolve) => setTimeout(resolve, BEFORE_SECONDS * 1_000)).then(() => world.neighbour(seconds)), flood]),
  );
  return { name, quiet, during, answers, peakMb: peak };
}

/** The faults in the gateway's own log. */
function faultsOf({ weir }: AttackWorld): string[] {
  const lines = weir.log().filter(({ outcome, level, message }) => outcome === "internal" || (level === "error" && message !== "request"));
  return lines.slice(0, 10).map((line) => JSON.stringify(line));
}

export const ALL = { floods: Object.keys(FLOODS), fills: Object.keys(FILLS) };
