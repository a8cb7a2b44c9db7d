/** Reads a result from a file, and checks what the report needs, so that a mistake is reported and not drawn. */
import { readFileSync } from "node:fs";
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { BenchResult } from "../result.ts";

const Texts = Type.Record(Type.String(), Type.String());
const RESULT = Type.Object({
  startedAt: Type.String(),
  commit: Type.String(),
  machine: Type.Object({ processors: Type.Number(), model: Type.String(), kernel: Type.String(), memoryGiB: Type.Number() }),
  versions: Texts,
  arguments: Type.Array(Type.String()),
  rounds: Type.Number(),
  scenarios: Type.Array(
    Type.Object({
      name: Type.String(),
      title: Type.String(),
      limiter: Type.String(),
      variants: Type.Array(Type.Object({ variant: Type.String(), measures: Type.Record(Type.String(), Type.Array(Type.Number())) })),
    }),
  ),
  notRun: Type.Array(Type.Object({ what: Type.String(), why: Type.String() })),
});

/** Throws where the file is no result: the error has the place and the expected value. */
export function readResult(file: string): BenchResult {
  const found = parsed(file);
  const mistake = Value.Errors(RESULT, found).First();
  if (mistake !== undefined) throw new Error(`${file} is no result of the benchmark: ${mistake.path || "/"}: ${mistake.message}`);
  return found as BenchResult;
}

function parsed(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (thrown) {
    throw new Error(`${file} cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}
