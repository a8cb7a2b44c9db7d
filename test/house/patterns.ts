/**
 * Every regular expression of the sources, and texts that would make it slow: what the pattern repeats, many times, behind what the pattern begins with.
 * Most patterns meet bytes that strangers chose, and one whose time grows with the square of the text stops a thread for a minute.
 */
import { parseSync } from "oxc-parser";
import { cpuMsOf } from "../support/clock.ts";

export interface Pattern {
  file: string;
  source: string;
  flags: string;
}

/** Patterns that no stranger's text reaches, by the beginning of their file's name, with the reason. */
export const UNREACHED: readonly { file: string; because: string }[] = [
  { file: "src/config/", because: "the configuration is the operator's own" },
  { file: "src/commands/", because: "a command's words are the operator's own" },
  { file: "src/openapi", because: "reads the routes and schemas of the sources" },
  { file: "src/sandbox/", because: "a stand-in for tests and trials" },
];

/** Where patterns are put together as the program runs, with what keeps them linear. */
export const MADE: readonly { file: string; because: string }[] = [
  { file: "src/request/routes.ts", because: "a route's path, whose parameters are one [^/]+ each between slashes" },
  { file: "src/admin/admin.ts", because: "likewise" },
  { file: "src/dialects/misroute.ts", because: "likewise" },
];

interface Found {
  patterns: Pattern[];
  /** It makes patterns as it runs. */
  makes: boolean;
}

export function patternsOf(file: string, text: string): Found {
  const found: Found = { patterns: [], makes: false };
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    const { type, regex, callee } = node as { type?: string; regex?: { pattern: string; flags: string }; callee?: { name?: string } };
    if (type === "Literal" && regex) found.patterns.push({ file, source: regex.pattern, flags: regex.flags });
    if (type === "NewExpression" && callee?.name === "RegExp") found.makes = true;
    for (const child of Object.values(node))
      if (Array.isArray(child)) child.forEach(visit);
      else visit(child);
  };
  visit(parseSync(file, text).program);
  return found;
}

/** Characters to represent a class; the first that the class takes is used. */
const CANDIDATES = Array.from({ length: 0x180 }, (_, code) => String.fromCharCode(code === 0 ? 97 : code));

interface Part {
  /** What it matches, one text for each of its alternatives. */
  texts: string[];
  repeats: boolean;
}

/** What a pattern repeats (also inside of groups), and texts that lead to each of its parts. */
function takeApart(source: string, flags: string): { pumps: Set<string>; prefixes: Set<string> } {
  const pumps = new Set<string>();
  const prefixes = new Set<string>([""]);
  const single = flags.replaceAll(/[gy]/g, "");
  let at = 0;

  const alternatives = (isTop: boolean): string[] => {
    const texts: string[] = [];
    let parts: string[] = [""];
    for (;;) {
      const stop = at >= source.length || source[at] === ")";
      if (stop || source[at] === "|") {
        texts.push(...parts);
        parts = [""];
        if (stop) return texts;
        at++;
        continue;
      }
      const part = quantified();
      for (const text of part.texts) if (part.repeats && text !== "") pumps.add(text);
      parts = parts.flatMap((before) => part.texts.map((text) => before + text)).slice(0, 6);
      if (isTop) for (const text of parts) prefixes.add(text);
    }
  };

  const quantified = (): Part => {
    const texts = atom();
    const quantifier = /^(?:[*+?]|\{\d+(?:,\d*)?\})\??/.exec(source.slice(at))?.[0] ?? "";
    at += quantifier.length;
    return { texts, repeats: /^[*+]|^\{\d+,\}/.test(quantifier) };
  };

  const atom = (): string[] => {
    const rest = source.slice(at);
    if (rest.startsWith("(")) {
      const opening = /^\((?:\?(?:[:=!]|<[=!]|<\w+>))?/.exec(rest)?.[0] ?? "(";
      at += opening.length;
      const texts = alternatives(false);
      at++;
      return /^\(\?<?[!]/.test(opening) ? [""] : texts;
    }
    const one = /^(?:\[(?:\\.|[^\]\\])*\]|\\(?:x..|u\{[^}]*\}|u....|p\{[^}]*\}|P\{[^}]*\}|.)|.)/s.exec(rest)?.[0] ?? "";
    at += one.length;
    if (/^(?:\^|\$|\\[bB])$/.test(one)) return [""];
    const takes = new RegExp(`^(?:${one})$`, single);
    const taken = CANDIDATES.find((character) => takes.test(character));
    return [taken ?? ""];
  };

  for (const text of alternatives(true)) if (text !== "") pumps.add(text);
  for (const prefix of prefixes) if (prefix !== "") pumps.add(prefix);
  return { pumps, prefixes };
}

/** Texts of about `length` characters. None of them ends as a match would. */
export function* attacks({ source, flags }: Pick<Pattern, "source" | "flags">, length: number): Generator<string> {
  const { pumps, prefixes } = takeApart(source, flags);
  // With a blank after it, for patterns in which a word has to end.
  const all = new Set([...pumps, " ", "a", ...[...pumps].filter((pump) => pump.length > 1).map((pump) => `${pump} `)]);
  for (const pump of all) for (const prefix of prefixes) yield `${prefix}${pump.repeat(Math.ceil(length / pump.length))}\u0001`;
}

/** Times `slowMs`: no other work of this process explains it, so another try is not needed. */
const SURELY = 10;

/**
 * Milliseconds of processor time that a pattern takes for a text. Where that seems slow, the least of a few tries counts: other threads of this process
 * (which collect garbage, and compile) may have been at work as well.
 */
export function tookMs({ source, flags }: Pick<Pattern, "source" | "flags">, text: string, slowMs: number): number {
  let leastMs = Number.POSITIVE_INFINITY;
  for (let nth = 0; nth < 5 && leastMs > slowMs; nth++) {
    const pattern = new RegExp(source, flags);
    const tookMs = cpuMsOf(() => void (pattern.global ? text.replace(pattern, "") : pattern.exec(text)));
    leastMs = Math.min(leastMs, tookMs);
    if (tookMs > slowMs * SURELY) break;
  }
  return leastMs;
}
