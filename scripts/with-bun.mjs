/** `node scripts/with-bun.mjs ARGS…`: what `bun ARGS…` does, on a machine that may have neither Bun nor the packages yet. */
import { endAs, prepare, run } from "./toolchain.mjs";

const words = process.argv.slice(2);
// The gateway itself runs on fewer packages than its bench, tests and tools.
const dev = words[0]?.startsWith("src/") !== true;

endAs(await run(prepare({ dev }), words));
