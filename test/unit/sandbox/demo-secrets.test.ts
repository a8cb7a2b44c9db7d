import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { demoSecrets } from "../../../src/sandbox/demo-secrets.ts";

const folder = mkdtempSync(join(tmpdir(), "weir-demo-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const fresh = () => join(mkdtempSync(join(folder, "each-")), ".weir-sandbox.json");

test("the demo's key and admin token are random, readable by their owner only, and the same at the next start", () => {
  const file = fresh();
  const first = demoSecrets(file);
  expect(first).toEqual({
    key: expect.stringMatching(/^weir_demo_/),
    adminToken: expect.stringMatching(/^weir_demo_admin_/),
    isKept: true,
  });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(demoSecrets(file)).toEqual(first);
  const other = demoSecrets(fresh());
  expect([other.key === first.key, other.adminToken === first.adminToken]).toEqual([false, false]);
});

test("a file that is broken, that others can read, or that is a link is replaced, and the target of the link is not changed", () => {
  for (const spoil of [
    (file: string) => writeFileSync(file, "{"),
    (file: string) => writeFileSync(file, '{"key":"weir_demo_short","adminToken":"x"}'),
    (file: string) => writeFileSync(file, "null"),
    (file: string) => chmodSync(file, 0o644),
  ]) {
    const file = fresh();
    const first = demoSecrets(file);
    spoil(file);
    const next = demoSecrets(file);
    expect([next.key === first.key, next.isKept, statSync(file).mode & 0o777]).toEqual([false, true, 0o600]);
    expect(demoSecrets(file)).toEqual(next);
  }
  const [file, target] = [fresh(), fresh()];
  writeFileSync(target, "mine");
  symlinkSync(target, file);
  expect(demoSecrets(file).isKept).toBe(true);
  expect(readFileSync(target, "utf8")).toBe("mine");
});

test("where no file can be written, they are valid for this start only", () => {
  const file = join(folder, "nowhere", ".weir-sandbox.json");
  expect(demoSecrets(file)).toMatchObject({ key: expect.stringMatching(/^weir_demo_/), isKept: false });
});
