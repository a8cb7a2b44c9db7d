import { specify } from "./specification.ts";

specify("deno");
