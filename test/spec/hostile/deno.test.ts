import { specifyHostile } from "./specification.ts";

specifyHostile("deno", 1);
specifyHostile("deno", 0);
