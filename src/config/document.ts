import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, visit, type YAMLError } from "yaml";
import type { Path } from "./problems.ts";

/** A YAML text, read. */
export interface Document {
  value: unknown;
  /** What is wrong with it as YAML, with its lines. Where there is anything, `value` means nothing. */
  problems: { line: number; text: string }[];
  /** The line of what stands at `path`, or of the nearest thing around it; from 1. */
  line(path: Path): number | undefined;
}

/** YAML 1.2 with anchors and `<<` merges. Nothing that it says repeats the text: a line may hold a secret. */
export function readDocument(text: string): Document {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  // A tag (`!Ref x`) is only a warning to the library, and means that the value is not what its writer thinks.
  const problems = [...document.errors, ...document.warnings].map((error) => ({
    line: lines.linePos(error.pos[0]).line,
    text: withoutSource(error),
  }));
  let value: unknown;
  if (problems.length === 0) {
    visit(document, {
      Alias: (_, alias) => {
        if (alias.resolve(document) !== undefined) return;
        const line = lines.linePos(alias.range?.[0] ?? 0).line;
        problems.push({
          line,
          text: 'expected an alias ("*name") to follow its anchor ("&name"); put text that begins with "*" in quotes',
        });
      },
    });
  }
  if (problems.length === 0) {
    try {
      value = document.toJS();
    } catch {
      // Aliases of aliases that would unfold into millions of values (the library's `maxAliasCount`), or a merge of something that is not a map.
      problems.push({ line: 1, text: "expected aliases that unfold into a reasonable size, and << merges of maps" });
    }
  }
  return {
    value,
    problems,
    line(path) {
      let node: unknown = document.contents;
      let offset: number | undefined;
      for (const key of path) {
        if (isAlias(node)) node = node.resolve(document);
        if (isMap(node)) {
          const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === key);
          if (pair === undefined) break;
          if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
          node = pair.value;
        } else if (isSeq(node)) {
          node = node.items[Number(key)];
          if (node === undefined) break;
          offset = (node as { range?: [number, number, number] | null }).range?.[0] ?? offset;
        } else break;
      }
      return offset === undefined ? undefined : lines.linePos(offset).line;
    },
  };
}

/** Some of the library's messages quote the text after a colon at their end. */
function withoutSource(error: YAMLError): string {
  if (error.code === "TAG_RESOLVE_FAILED") return 'expected plain YAML, got a tag ("!…"); put text that begins with "!" in quotes';
  if (error.code === "BAD_ALIAS") return 'expected an alias ("*name") to have a name; put text that begins with "*" in quotes';
  return error.message.replace(/(?<! ): .*$/s, "");
}
