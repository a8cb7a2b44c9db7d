import { specifyLimits } from "./specification.ts";

specifyLimits("bun", "memory");
specifyLimits("bun", "redis");
