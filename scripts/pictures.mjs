/** `npm run pictures`: the dashboards as pictures. ECharts, which draws them, is a package of development. */
import { endAs, prepare, run } from "./toolchain.mjs";

endAs(await run(prepare({ dev: true }), ["test/deploy/pictures.ts"]));
