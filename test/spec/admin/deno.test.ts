import { specifyAdmin } from "./specification.ts";

specifyAdmin("deno");
