import type { Catalogue } from "./catalogue.ts";
import type { Environment } from "./environment.ts";
import type { ReadText } from "./files.ts";
import type { Problem } from "./problems.ts";

/** What the resolution needs from outside, and where it writes what it finds. */
export interface ResolveContext {
  environment: Environment;
  catalogue: Catalogue;
  isSandbox: boolean;
  nowMs: number;
  processors: number;
  /** Bytes. */
  memory: number;
  readText: ReadText;
  /** A path of the file as an absolute one. */
  locate: (path: string) => string;
  /** Mistakes. Places that already have a mistake are not checked again, so that one slip is reported once. */
  problems: Problem[];
  warnings: Problem[];
}
