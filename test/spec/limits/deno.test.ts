import { specifyLimits } from "./specification.ts";

specifyLimits("deno", "redis");
