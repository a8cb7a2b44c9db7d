import { specifyTruth } from "./specification.ts";

specifyTruth("bun");
