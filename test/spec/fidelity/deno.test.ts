import { specifyTruth } from "./specification.ts";

specifyTruth("deno");
