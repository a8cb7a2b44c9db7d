import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, type Pair, parseDocument, Scalar, visit, type YAMLError } from "yaml";
import type { Path } from "./problems.ts";
import { shown } from "./shown.ts";
import { syntaxText } from "./syntax.ts";

/** A YAML text, read. */
export interface Document {
  value: unknown;
  /** The first mistake in its YAML, because later ones mostly follow from it. With a mistake, `value` has no meaning. */
  problems: { line: number; text: string }[];
  /** The line of the value at `path`, or of the nearest value around it; the first line is 1. */
  line(path: Path): number | undefined;
}

/** Reads YAML 1.2 with anchors and `<<` merges. No message repeats the text, because a line may hold a secret. */
export function readDocument(text: string): Document {
  const lines = new LineCounter();
  // At a level below "error" the library writes to standard error itself, and quotes the text. Its own search for repeated names takes time by the
  // square of their number.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true, logLevel: "error", uniqueKeys: false });
  // For the library a tag (`!Ref x`) is only a warning. Here it is a mistake: the value is not what its writer expects.
  const [first] = [...document.errors, ...document.warnings].sort((one, other) => one.pos[0] - other.pos[0]);
  const problems = first === undefined ? [] : [syntaxProblem(first, text, lines)];
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
      Map: (_, { items }) => {
        const twice = findTwice(items);
        if (twice === undefined) return;
        const first = lines.linePos(twice.firstAt).line;
        problems.push({
          line: lines.linePos(twice.at).line,
          text: `expected each name once, got ${shown(twice.name)} here and on line ${first}`,
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

function syntaxProblem(error: YAMLError, text: string, lines: LineCounter): { line: number; text: string } {
  const [at] = error.pos;
  const { line } = lines.linePos(at);
  return { line, text: syntaxText(error, text.slice(lines.lineStarts[line - 1] ?? 0, at + 1)) };
}

/** The first name of a map that the map has twice. A merge (`<<`) is not a name. */
function findTwice(items: readonly Pair[]): { name: string; at: number; firstAt: number } | undefined {
  const seen = new Map<string, number>();
  for (const { key } of items) {
    if (!isScalar(key) || !key.range || (key.value === "<<" && key.type === Scalar.PLAIN)) continue;
    const [name, at] = [String(key.value), key.range[0]];
    const firstAt = seen.get(name);
    if (firstAt !== undefined) return { name, at, firstAt };
    seen.set(name, at);
  }
  return undefined;
}
