import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, type Document as Parsed, parseDocument, visit, type YAMLError } from "yaml";
import type { Path } from "./problems.ts";
import { shown } from "./shown.ts";
import { syntaxText } from "./syntax.ts";

/** A YAML text, read. */
export interface Document {
  value: unknown;
  /** The first thing that is wrong with it as YAML: what follows is mostly its consequence. Where there is one, `value` means nothing. */
  problems: { line: number; text: string }[];
  /** The line of what stands at `path`, or of the nearest thing around it; from 1. */
  line(path: Path): number | undefined;
}

/** YAML 1.2 with anchors and `<<` merges. Nothing that it says repeats the text: a line may hold a secret. */
export function readDocument(text: string): Document {
  const lines = new LineCounter();
  // Below "error" the library writes to standard error by itself, and quotes.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true, logLevel: "error" });
  // A tag (`!Ref x`) is only a warning to the library, and means that the value is not what its writer thinks.
  const [first] = [...document.errors, ...document.warnings].sort((one, other) => one.pos[0] - other.pos[0]);
  const problems = first === undefined ? [] : [syntaxProblem(first, text, document, lines)];
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
        return visit.BREAK;
      },
      Pair: (_, { key }) => {
        if (isScalar(key) || isAlias(key)) return;
        const { range } = key as { range?: readonly number[] | null };
        problems.push({ line: lines.linePos(range?.[0] ?? 0).line, text: "expected a text as the name of a setting, got a list or a map" });
        return visit.BREAK;
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

function syntaxProblem(error: YAMLError, text: string, document: Parsed.Parsed, lines: LineCounter): { line: number; text: string } {
  const [at] = error.pos;
  const { line } = lines.linePos(at);
  if (error.code === "DUPLICATE_KEY") {
    const twice = findTwice(document, at);
    if (twice !== undefined)
      return { line, text: `expected each name once, got ${shown(twice.name)} here and on line ${lines.linePos(twice.firstAt).line}` };
  }
  return { line, text: syntaxText(error, text.slice(lines.lineStarts[line - 1] ?? 0, at + 1)) };
}

/** The key at this offset, and where the same one stands before it. */
function findTwice(document: Parsed.Parsed, at: number): { name: string; firstAt: number } | undefined {
  let found: { name: string; firstAt: number } | undefined;
  visit(document, {
    Map: (_, { items }) => {
      const keys = items.flatMap(({ key }) => (isScalar(key) && key.range ? [{ name: String(key.value), at: key.range[0] }] : []));
      const second = keys.find((key) => key.at === at);
      const first = keys.find((key) => key.name === second?.name);
      if (second === undefined || first === undefined) return;
      found = { name: second.name, firstAt: first.at };
      return visit.BREAK;
    },
  });
  return found;
}
