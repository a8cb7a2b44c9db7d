/** The retry budget; the clock is an argument. */
import { expect, test } from "bun:test";
import { RetryBudget, RetryBudgets } from "../../../src/routing/retry-budget.ts";

/** How many further attempts the budget has at this time. */
function left(budget: RetryBudget, nowMs: number): number {
  let taken = 0;
  while (taken < 10_000 && budget.take(nowMs)) taken += 1;
  return taken;
}

test("three further attempts are always there, and come back after ten seconds", () => {
  const budget = new RetryBudget();
  expect([left(budget, 0), left(budget, 9_000), left(budget, 10_000)]).toEqual([3, 0, 3]);
});

test("there is one further attempt for five calls of the last ten seconds", () => {
  const budget = new RetryBudget();
  for (let call = 0; call < 1_000; call++) budget.call(call * 5);
  expect(left(budget, 5_000)).toBe(200);
  expect(left(budget, 14_999)).toBe(0);
  expect(left(budget, 60_000)).toBe(3);
});

test("a clock that steps back gives nothing away", () => {
  const budget = new RetryBudget();
  expect(left(budget, 50_000)).toBe(3);
  expect(left(budget, 10_000)).toBe(0);
});

test("each workspace has its own budget, and the number of budgets is bounded", () => {
  const budgets = new RetryBudgets(3);
  expect(left(budgets.of("one"), 0)).toBe(3);
  expect([left(budgets.of("one"), 0), left(budgets.of("two"), 0)]).toEqual([0, 3]);
  for (let nth = 0; nth < 10; nth++) budgets.of(`more ${nth}`);
  expect(budgets.size).toBe(3);
});
