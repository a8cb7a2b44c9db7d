import { posix } from "node:path";
import type { Source } from "./source.ts";

/**
 * The modules that are not ours and that `entry` loads before its first line runs, by way of all that it imports: packages and `node:` modules, by name. Left out
 * is what is imported for its types alone, or only when a line of code asks for it.
 */
export function loads(sources: readonly Source[], entry: string): Set<string> {
  const byFile = new Map(sources.map((source) => [source.file, source]));
  const found = new Set<string>();
  const seen = new Set<string>();
  const visit = (file: string): void => {
    const source = byFile.get(file);
    if (source === undefined || seen.has(file)) return;
    seen.add(file);
    for (const name of source.imports) {
      if (source.typeImports.has(name) || source.lateImports.has(name)) continue;
      if (name.startsWith(".")) visit(posix.join(posix.dirname(file), name));
      else found.add(name);
    }
  };
  visit(entry);
  return found;
}
