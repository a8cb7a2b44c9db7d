/** Paths that are no regular file, or do not answer: their reader gets an error in time. */
import { afterAll, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { patiently, readTextFile } from "../../../src/contract/text-file.ts";

const folder = mkdtempSync(join(tmpdir(), "weir-text-"));
afterAll(() => rmSync(folder, { recursive: true }));
const place = (name: string) => join(folder, name);

test("a file is read to its bound", async () => {
  writeFileSync(place("good"), "\u00e9".repeat(50_000));
  expect(await readTextFile(place("good"), 100_000)).toBe("\u00e9".repeat(50_000));
  expect(readTextFile(place("good"), 99_999)).rejects.toThrow("has more than");
});

test("a path that is no file is refused at once, and a file that reports a size of 0 is read to the bound too", async () => {
  execFileSync("mkfifo", [place("pipe")]);
  symlinkSync("/dev/zero", place("device"));
  expect(readTextFile(place("pipe"), 10)).rejects.toThrow("is no regular file");
  expect(readTextFile(place("device"), 10)).rejects.toThrow("is no regular file");
  expect(readTextFile(folder, 10)).rejects.toThrow("is a directory");
  expect(await readTextFile("/proc/self/status", 65_536)).toContain("Name:");
  expect(readTextFile("/proc/self/status", 10)).rejects.toThrow("has more than");
});

test("a path that does not answer is given up, is not asked again while it hangs, and is asked again after it has answered", async () => {
  let asked = 0;
  let answer = (_: string) => {};
  const ask = () => {
    asked += 1;
    return new Promise<string>((resolve) => {
      answer = resolve;
    });
  };
  expect(await patiently("/hanging", ask, 20).catch(String)).toContain("did not answer within 0.02 s");
  expect(await patiently("/hanging", ask, 20).catch(String)).toContain("does not answer");
  expect(asked).toBe(1);
  answer("late");
  await Bun.sleep(0);
  const second = patiently("/hanging", ask, 1_000);
  answer("in time");
  expect(await second).toBe("in time");
  expect(asked).toBe(2);
});
