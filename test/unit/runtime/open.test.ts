import { expect, test } from "bun:test";
import { trouble } from "../../../src/runtime/open.ts";

test("a port that this user may not open is told with the cure", () => {
  const thrown = Object.assign(new Error("permission denied 127.0.0.1:80"), { code: "EACCES" });
  expect(trouble(thrown, 80)).toMatch(/^may not be opened by this user: choose one from 1024 on/);
  expect(trouble(thrown, 8080)).toBe("may not be opened by this user: choose another one");
});
