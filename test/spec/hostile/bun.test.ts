import { specifyHostile } from "./specification.ts";

specifyHostile("bun", 1);
specifyHostile("bun", 0);
