/**
 * Texts for calibration, by class. The weights are made from `fit` and judged by `holdout`: other texts, mostly of another kind, such as user guides and the
 * Declaration of Human Rights. Sources and licences: `test/unit/workers/estimate/texts/README.md`.
 */
import { readdirSync, readFileSync } from "node:fs";

const TEXTS = new URL("../../test/unit/workers/estimate/texts/", import.meta.url);

export type Part = "fit" | "holdout";

/** Mulberry32: random numbers that are the same for the same seed, on every machine. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The classes of generated text: random bytes in base64 and in hexadecimal, and a table of numbers. */
function generated(seed: number): [string, string][] {
  const next = random(seed);
  const bytes = Buffer.from(Array.from({ length: 9000 }, () => Math.floor(next() * 256)));
  const rows = ["date,id,amount,rate,count"];
  for (let i = 0; i < 300; i++) {
    const day = new Date(1.6e12 + next() * 2e11).toISOString().slice(0, 10);
    rows.push(
      [day, Math.floor(next() * 1e7), (next() * 5000).toFixed(2), next().toFixed(seed % 2 === 1 ? 4 : 3), Math.floor(next() * 300)].join(),
    );
  }
  const ids: string[] = [];
  for (let at = 0; at < 4000; at += 16) {
    ids.push(
      bytes
        .subarray(at, at + 16)
        .toString("hex")
        .replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
    );
  }
  return [
    ["base64", bytes.toString("base64")],
    ["hex", `${bytes.subarray(0, 6000).toString("hex")}\n${ids.join("\n")}\n`],
    ["numbers", `${rows.join("\n")}\n`],
  ];
}

/** The texts by class. A class whose name begins with `unseen-` is a language that was not used for any weight. */
export function samples(part: Part): Map<string, string> {
  const folder = new URL(`${part}/`, TEXTS);
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(".txt"))
    .sort();
  const texts = files.map((name): [string, string] => [name.slice(0, -".txt".length), readFileSync(new URL(name, folder), "utf8")]);
  return new Map([...texts, ...generated(part === "fit" ? 1 : 2)]);
}

/** Cuts a text into pieces of about `characters`, at the ends of lines or, in long lines, after 100 characters. */
export function pieces(text: string, characters: number): string[] {
  const cut: string[] = [];
  let piece = "";
  for (const part of text.split(/(?<=\n|[^\n]{100})/)) {
    piece += part;
    if (piece.length >= characters) {
      cut.push(piece);
      piece = "";
    }
  }
  if (piece.length > characters / 3) cut.push(piece);
  return cut;
}
