import { describe, test } from "bun:test";
import { CASES } from "./http-exam.ts";
import { IMPLEMENTATIONS } from "./http-implementations.ts";

for (const implementation of IMPLEMENTATIONS)
  describe(implementation.name, () => {
    for (const { name, run } of CASES) {
      const skipped = implementation.skip.some(({ cases }) => cases.some((each) => name.startsWith(each)));
      test.skipIf(skipped)(name, () => run(implementation), 15_000);
    }
  });
