/** Every directive does what its sentence says, on both stand-ins where it applies to both. `docs/sandbox.md` has the same sentences. */
import { afterAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isObject } from "../../../src/contract/objects.ts";
import { DIRECTIVES } from "../../../src/sandbox/directives.ts";
import { startSandbox } from "../../../src/sandbox/sandbox.ts";
import type { Exchange } from "../../support/exchange.ts";
import { ROWS, type Row } from "./directive-rows.ts";
import { STAND_INS, type StandInName, standInOf } from "./stand-ins.ts";

const sandbox = await startSandbox();
afterAll(() => sandbox.close());

test("every directive has a row here", () => {
  expect(Object.keys(ROWS)).toEqual(Object.keys(DIRECTIVES));
});

for (const [name, rows] of Object.entries(ROWS)) {
  for (const [index, row] of rows.entries()) {
    const kind = row.how === "stream" ? "streamed" : "whole";
    test(`[sandbox: ${row.says.split("]")[0]}] ${DIRECTIVES[name]?.does} (${kind}, ${index + 1})`, async () => {
      await Promise.all(STAND_INS.filter((standIn) => (row.on ?? standIn) === standIn).map((standIn) => witness(row, standIn)));
    });
  }
}

async function witness(row: Row, standIn: StandInName): Promise<void> {
  const isStream = row.how === "stream";
  const { request, read } = standInOf(sandbox, standIn);
  const says = row.says.includes("]") ? `[sandbox: ${row.says}` : `[sandbox: ${row.says}]`;
  const began = performance.now();
  const asked: Exchange = request(says, { stream: isStream, ...row.fields?.(standIn) });
  if (row.until === undefined) await asked.over;
  else {
    const enough = row.until;
    if (row.says === "stall") await new Promise((resolve) => setTimeout(resolve, 40));
    await asked.until((received) => enough(read(received)));
    asked.socket.destroy();
  }
  const { readAtMs, readBytes } = asked;
  row.look({ ...read(asked.received()), standIn, isStream, readAtMs, readBytes, tookMs: performance.now() - began });
}

/** What `DIRECTIVES` says, as rows of a table in Markdown. */
const TABLE = Object.entries(DIRECTIVES).map(([name, { parameters, does }]) => {
  const shown = Object.entries(parameters).map(([parameter, value]) => `\`${parameter}=${value}\``);
  return `| \`${name}\` | ${shown.join(" ")} | ${does} |`.replaceAll("|  |", "| |");
});

test("docs/sandbox.md has the table of the directives", () => {
  const page = readFileSync(join(import.meta.dir, "../../../docs/sandbox.md"), "utf8");
  expect(page.split("\n").filter((line) => line.startsWith("| `") && line.split("|").length === 5)).toEqual(TABLE);
});

test("a parameter of the directive's own name can be its value, and one pair of brackets can have several directives", async () => {
  const { text, readAtMs } = await witnessed("[sandbox: tokens=3, delay ms=40]");
  expect(text).toBe(" the weir is");
  expect(readAtMs[0]).toBeGreaterThan(39);
});

test("several pairs of brackets are all obeyed", async () => {
  expect((await witnessed("[sandbox: delay ms=40] and [sandbox: tokens=3]")).text).toBe(" the weir is");
});

test("with `times`, only the first requests with the same text obey", async () => {
  const statuses = async (says: string) =>
    [await witnessed(says), await witnessed(says), await witnessed(says)].map(({ status }) => status);
  expect(await statuses("[sandbox: overloaded times=2] one")).toEqual([503, 503, 200]);
  expect(await statuses("[sandbox: overloaded times=2] another")).toEqual([503, 503, 200]);
});

test("with `for`, only models whose upstream name contains it obey", async () => {
  for (const name of STAND_INS) {
    const standIn = standInOf(sandbox, name);
    expect((await standIn.ask(`[sandbox: overloaded for=${name === "bedrock" ? "haiku" : "4o"}]`)).status).toBe(503);
    expect((await standIn.ask("[sandbox: overloaded for=another]")).status).toBe(200);
  }
});

test("an unknown name, and a value that cannot be used, is a 400 that says what the sandbox takes", async () => {
  for (const says of [
    "dance",
    "tokens=some",
    "delay ms=-1",
    "tokens colour=blue",
    "cut=3",
    "fail toString=1",
    "status=0",
    "status=199",
    "fail status=600",
  ]) {
    for (const name of STAND_INS) {
      const { status, json } = await standInOf(sandbox, name).ask(`[sandbox: ${says}]`);
      const message = name === "bedrock" ? json.message : isObject(json.error) && json.error.message;
      expect(status).toBe(400);
      expect(String(message)).toMatch(
        /^\[sandbox: …\] (does not know "\S+"\. Directives: tokens, |\w+=\S+: expected a (number|status from 200 to 599))/,
      );
    }
  }
});

test("a directive in an earlier message is not obeyed", async () => {
  for (const name of STAND_INS) {
    const messages = [
      { role: "user", content: "[sandbox: overloaded]" },
      { role: "assistant", content: "Well." },
      { role: "user", content: "And now?" },
    ];
    expect((await standInOf(sandbox, name).ask("", { messages })).status).toBe(200);
  }
});

async function witnessed(says: string) {
  const { request, read } = standInOf(sandbox, "bedrock");
  const asked = request(says);
  await asked.over;
  return { ...read(asked.received()), readAtMs: asked.readAtMs };
}
