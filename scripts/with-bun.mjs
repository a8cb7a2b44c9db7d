/** `node scripts/with-bun.mjs ARGS…`: what `bun ARGS…` does, on a machine that may have neither Bun nor the packages yet. */
import { endAs, prepare, run } from "./toolchain.mjs";

endAs(await run(prepare({ dev: false }), process.argv.slice(2)));
