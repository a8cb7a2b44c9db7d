/** The work of a party that asks again and again waits, and the work that another party asks for meanwhile does not wait. */
import { expect, test } from "bun:test";
import { Turns } from "../../../../src/request/load/turns.ts";

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Keeps the thread busy for so long. */
function keep(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

test("a party that has had its share of a turn waits, and the work of another party is done at once", async () => {
  const turns = new Turns();
  const done: string[] = [];
  const ask = (who: string) =>
    turns.run(who, () => {
      keep(0.6);
      done.push(who);
    });
  for (let nth = 0; nth < 5; nth++) ask("greedy");
  expect(done).toEqual(["greedy"]);
  ask("other");
  expect(done).toEqual(["greedy", "other"]);
  // Each piece of work takes more than a share, so a turn has at most one.
  while (done.length < 6) {
    const before = done.length;
    await nextTurn();
    expect(done.length - before).toBeLessThanOrEqual(1);
  }
  expect(done).toEqual(["greedy", "other", "greedy", "greedy", "greedy", "greedy"]);
});

test("parties that wait take turns, and the work of each is done in the order in which it came", async () => {
  const turns = new Turns();
  const done: string[] = [];
  for (const who of ["a", "b"])
    for (let nth = 0; nth < 4; nth++)
      turns.run(who, () => {
        keep(0.6);
        done.push(`${who}${nth}`);
      });
  while (done.length < 8) await nextTurn();
  expect(done.slice(0, 2)).toEqual(["a0", "b0"]);
  expect(done.filter((one) => one.startsWith("a"))).toEqual(["a0", "a1", "a2", "a3"]);
  expect(done.filter((one) => one.startsWith("b"))).toEqual(["b0", "b1", "b2", "b3"]);
});

test("work that throws is charged to its party, and the work behind it is done", async () => {
  const turns = new Turns();
  const done: number[] = [];
  expect(() => {
    turns.run("one", () => {
      keep(0.6);
      throw new Error("its own matter");
    });
  }).toThrow("its own matter");
  turns.run("one", () => void done.push(1));
  expect(done).toEqual([]);
  while (done.length === 0) await nextTurn();
});

test("sixteen calls of a party begin in a millisecond, and its others wait; those of another party begin", () => {
  const turns = new Turns();
  const begun = Array.from({ length: 20 }, () => turns.mayBegin("greedy", 5, false));
  expect(begun.filter(Boolean)).toHaveLength(16);
  expect(turns.mayBegin("other", 5, false)).toBe(true);
  expect(turns.mayBegin("greedy", 6, false)).toBe(true);
});

test("no call of a party overtakes those of it that wait", async () => {
  const turns = new Turns();
  const done: number[] = [];
  turns.run("one", () => keep(0.6));
  turns.run("one", () => void done.push(1));
  expect(turns.mayBegin("one", 9, false)).toBe(false);
  while (done.length === 0) await nextTurn();
  expect(turns.mayBegin("one", 9, false)).toBe(true);
});

test("a call on a new connection is charged to its party with the cost of the connection", async () => {
  const turns = new Turns();
  const begun = Array.from({ length: 8 }, () => turns.mayBegin("greedy", 5, true));
  expect(begun).toEqual([true, false, false, false, false, false, false, false]);
  expect(turns.mayBegin("other", 5, true)).toBe(true);
  // Eight connections cost the shares of four turns, and an idle thread takes one turn after the other.
  for (let turn = 0; turn < 6; turn++) await nextTurn();
  expect(turns.mayBegin("greedy", 6, true)).toBe(true);
});
