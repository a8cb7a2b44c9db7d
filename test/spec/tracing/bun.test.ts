import { specify } from "./specification.ts";

specify("bun");
