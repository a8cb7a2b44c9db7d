import { specifyAdmin } from "./specification.ts";

specifyAdmin("bun");
