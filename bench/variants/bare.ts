/** The least that the runtime costs: see passthrough.ts. */
import { join } from "node:path";
import { startProgram } from "../processes.ts";
import type { Variant } from "../variant.ts";
import { cloudAddress } from "./direct.ts";

export const bare: Variant = {
  name: "bare",
  async start({ upstreamUrl, certificate }) {
    const words = [
      process.execPath,
      join(import.meta.dir, "../passthrough.ts"),
      upstreamUrl,
      ...(certificate === undefined ? [] : [certificate]),
    ];
    // Without this setting, Bun's `fetch` makes calls wait while 256 others are open.
    const program = await startProgram(words, /"port":(\d+)/, { BUN_CONFIG_MAX_HTTP_REQUESTS: "65336" });
    return { url: `http://127.0.0.1:${program.found[1]}`, address: cloudAddress, pids: () => [program.pid], stop: program.stop };
  },
};
