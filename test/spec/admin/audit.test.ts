import { expect, test } from "bun:test";
import { Audit } from "../../../src/admin/audit.ts";
import type { Logger } from "../../../src/log/log.ts";
import { eventually } from "../../support/waits.ts";

test("of a flood of refused sign-ins the first ten are logged, and the rest as a number at the end of the minute", async () => {
  const lines: Record<string, unknown>[] = [];
  const write = (line: object) => void lines.push({ ...line });
  const audit = new Audit({ info: write, warn: write } as unknown as Logger, 100);
  for (let attempt = 0; attempt < 25; attempt++) audit.refused("10.0.0.9", "wrong token");
  expect(lines).toHaveLength(10);
  await eventually(() => lines.length === 11, "the number of the others");
  expect(lines.at(-1)).toEqual({ action: "sign_in.refused", count: 15, within_ms: 100 });
  audit.refused("10.0.0.9", "no token");
  expect(lines.at(-1)).toEqual({ action: "sign_in.refused", address: "10.0.0.9", reason: "no token" });
});
