/** What Bun reads before it runs a line of ours (`startTuned` in src/runtime/runtime.ts), as the system sees it in the process that was started. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { heapBytes } from "../../../src/config/memory.ts";
import { startWeir } from "../../support/weir.ts";

const listed = (pid: number | undefined, what: "environ" | "cmdline") => readFileSync(`/proc/${pid}/${what}`, "utf8").split("\0");

test.skipIf(process.platform !== "linux")(
  "a gateway, started with the word or without, starts its runtime over with its settings, and leaves those that somebody has chosen",
  async () => {
    for (const words of [[], ["start"]]) {
      const weir = await startWeir({ environment: { BUN_GC_TIMER_INTERVAL: "777" }, arguments: words });
      try {
        // The same process: the program that started it can still end it by its id.
        const environment = listed(weir.child.pid, "environ");
        expect(environment).toContain("MIMALLOC_PURGE_DELAY=500");
        expect(environment).toContain("BUN_JSC_largeHeapSize=67108864");
        expect(environment).toContain(`BUN_JSC_forceRAMSize=${heapBytes()}`);
        expect(environment.filter((entry) => entry.startsWith("BUN_GC_TIMER_INTERVAL="))).toEqual(["BUN_GC_TIMER_INTERVAL=777"]);
        expect(listed(weir.child.pid, "cmdline").some((word) => word.endsWith("src/main.ts"))).toBe(true);
      } finally {
        await weir.stop("SIGKILL");
      }
    }
  },
);
