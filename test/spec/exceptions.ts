/** What cannot hold on one of the runtimes, and why. Printed with the sentence that is skipped. */
import type { RuntimeName } from "../harness/weir.ts";

interface Exception {
  runtime: RuntimeName;
  sentence: string;
  because: string;
}

const EXCEPTIONS: readonly Exception[] = [];

export function exceptionOf(runtime: RuntimeName, sentence: string): Exception | undefined {
  return EXCEPTIONS.find((exception) => exception.runtime === runtime && exception.sentence === sentence);
}
