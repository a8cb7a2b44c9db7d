import { posix } from "node:path";
import type { Source } from "./source.ts";

/** Every loop of imports among these files, types included, once: `a → b → a`. A file in a loop cannot be read, moved or tested by itself. */
export function loops(sources: readonly Source[]): string[] {
  const imports = new Map(
    sources.map(({ file, imports: names }) => [
      file,
      names.filter((name) => name.startsWith(".")).map((name) => posix.join(posix.dirname(file), name)),
    ]),
  );
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start !== -1) found.push([...path.slice(start), file].join(" → "));
    if (start !== -1 || done.has(file)) return;
    for (const target of imports.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return found;
}
