import type { Catalogue } from "./catalogue.ts";
import type { Environment } from "./environment.ts";
import type { ReadText } from "./files.ts";
import type { Problem } from "./problems.ts";

/** What resolving a configuration needs, and the lists that it fills. */
export interface ResolveContext {
  environment: Environment;
  catalogue: Catalogue;
  isSandbox: boolean;
  nowMs: number;
  processors: number;
  /** Bytes. */
  memory: number;
  readText: ReadText;
  /** Makes a path of the file absolute. */
  locate: (path: string) => string;
  /** Mistakes. Places that already have a mistake are not checked again, so that one mistake is reported once. */
  problems: Problem[];
  warnings: Problem[];
}
