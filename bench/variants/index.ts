/** The variants that need no installation, as far as this machine has their programs. */
import type { NotRun } from "../result.ts";
import type { Variant } from "../variant.ts";
import { bare } from "./bare.ts";
import { direct } from "./direct.ts";
import { nginx, nginxVersion } from "./nginx.ts";
import { inline, weir } from "./weir.ts";

export { nginxVersion };

export const VARIANTS: readonly Variant[] = [direct, bare, weir, inline, ...(nginxVersion === undefined ? [] : [nginx])];
export const MISSING_VARIANTS: readonly NotRun[] = nginxVersion === undefined ? [{ what: "nginx", why: "nginx is not installed" }] : [];
