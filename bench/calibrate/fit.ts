/**
 * Makes `workers/estimate/weights.gen.ts` from the `fit` texts. Each text is cut into pieces of about a kilobyte. The weights are the non-negative
 * ones with which the estimates of all pieces are nearest to the exact counts: least squares of the relative error, with the same weight for every
 * class of text. A ridge keeps them near a prior, so that weights with few samples stay plausible. The method is coordinate descent; it is
 * deterministic and takes a few seconds.
 */
import { ASTRAL, CONTINUES, IDEOGRAPHS, KINDS, kindTable, NEXT_PLACE, PLACES, START, SYLLABLES } from "../../workers/estimate/kinds.ts";
import type { PackedWeights, Tokenizer } from "../../workers/estimate/text.ts";
import { REFERENCES, starts } from "./reference.ts";
import { pieces, samples } from "./samples.ts";

const WEIGHTS_COUNT = KINDS * KINDS * PLACES;
const RIDGE = 0.001;
const ROUNDS = 100;
/** The least weight in the rest of a long run, in thousandths of a token, because it is never free: 100 kB of spaces are some 1,000 tokens. */
const LONG_RUN_LEAST = 10;
/** In the prior of a single place, the average of its pair counts as this many characters. */
const LEAN = 5;

function tokensAlone(tokenizer: Tokenizer): (code: number) => number {
  return (code) => Math.min(3, REFERENCES[tokenizer].encode(String.fromCodePoint(code)).length);
}

interface Row {
  /** By the index of a weight: how many characters use it, and how many tokens start in them. */
  uses: Map<number, { characters: number; starts: number }>;
  tokens: number;
  /** The weight of the piece in the sum of squares. */
  share: number;
}

function row(tokenizer: Tokenizer, text: string, kinds: Uint8Array, share: number): Row {
  const at = starts(tokenizer, text);
  const uses: Row["uses"] = new Map();
  let tokens = 0;
  let byte = 0;
  let previous = START;
  let place = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const kind = code < 0x10000 ? (kinds[code] ?? 0) : ASTRAL;
    const pair = previous * KINDS + kind;
    place = CONTINUES[pair] === 1 ? (NEXT_PLACE[kind * PLACES + place] ?? 0) : 0;
    const use = uses.get(pair * PLACES + place) ?? { characters: 0, starts: 0 };
    uses.set(pair * PLACES + place, use);
    use.characters++;
    for (const end = byte + Buffer.byteLength(character); byte < end; byte++) {
      use.starts += at[byte] ?? 0;
      tokens += at[byte] ?? 0;
    }
    previous = kind;
  }
  return { uses, tokens, share };
}

/** The first guess: the average number of tokens that start in such characters. Where there are few of them, the average of their pair of kinds counts more. */
function prior(rows: readonly Row[]): Float64Array {
  const characters = new Float64Array(WEIGHTS_COUNT);
  const started = new Float64Array(WEIGHTS_COUNT);
  for (const { uses } of rows) {
    for (const [i, use] of uses) {
      characters[i] = (characters[i] ?? 0) + use.characters;
      started[i] = (started[i] ?? 0) + use.starts;
    }
  }
  const sum = (of: Float64Array, pair: number) => of.subarray(pair * PLACES, (pair + 1) * PLACES).reduce((a, b) => a + b, 0);
  return Float64Array.from({ length: WEIGHTS_COUNT }, (_, i) => {
    const pair = Math.floor(i / PLACES);
    const average = (sum(started, pair) + 1) / (sum(characters, pair) + 1);
    return ((started[i] ?? 0) + LEAN * average) / ((characters[i] ?? 0) + LEAN);
  });
}

function descend(rows: readonly Row[], start: Float64Array): Float64Array {
  const weights = start.slice();
  const columns = new Map<number, [row: number, use: number][]>();
  const residual = rows.map(({ share }) => Math.sqrt(share));
  rows.forEach(({ uses, tokens, share }, r) => {
    const scale = Math.sqrt(share) / tokens;
    for (const [i, { characters: n }] of uses) {
      const column = columns.get(i) ?? [];
      column.push([r, n * scale]);
      columns.set(i, column);
      residual[r] = (residual[r] ?? 0) - n * scale * (weights[i] ?? 0);
    }
  });
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, column] of columns) {
      let pull = 0;
      let norm = 0;
      for (const [r, use] of column) {
        pull += use * (residual[r] ?? 0);
        norm += use * use;
      }
      const old = weights[i] ?? 0;
      const next = Math.max(0, Math.min(4, (pull + norm * old + RIDGE * (start[i] ?? 0)) / (norm + RIDGE)));
      for (const [r, use] of column) residual[r] = (residual[r] ?? 0) - use * (next - old);
      weights[i] = next;
    }
  }
  return weights;
}

function packCosts(weights: Float64Array, seen: ReadonlySet<number>): string {
  const entries: string[] = [];
  for (let pair = 0; pair < KINDS * KINDS; pair++) {
    const list: number[] = [];
    let last = -1;
    for (let place = 0; place < PLACES; place++) {
      const known = seen.has(pair * PLACES + place);
      if (known) last = place;
      // A place that is in no text gets the weight of its neighbour.
      const least = place === PLACES - 1 ? LONG_RUN_LEAST : 0;
      list.push(known ? Math.max(least, Math.round((weights[pair * PLACES + place] ?? 0) * 1000)) : -1);
    }
    if (last < 0) continue;
    for (let place = 1; place <= last; place++) if ((list[place] ?? 0) < 0) list[place] = list[place - 1] ?? -1;
    for (let place = last; place >= 0; place--) if ((list[place] ?? 0) < 0) list[place] = list[place + 1] ?? 0;
    entries.push(`${Math.floor(pair / KINDS)}.${pair % KINDS}:${list.slice(0, last + 1).join(" ")}`);
  }
  return entries.join(";");
}

function packAlone(alone: (code: number) => number): string {
  const codes: number[] = [];
  for (const range of [IDEOGRAPHS, SYLLABLES]) for (let code = range.first as number; code <= range.last; code++) codes.push(code);
  const bytes = new Uint8Array(Math.ceil(codes.length / 4));
  codes.forEach((code, i) => {
    bytes[i >> 2] = (bytes[i >> 2] ?? 0) | ((alone(code) - 1) << ((i & 3) * 2));
  });
  return Buffer.from(bytes).toString("base64");
}

export function fit(tokenizer: Tokenizer): PackedWeights {
  const alone = tokensAlone(tokenizer);
  const kinds = kindTable(alone);
  const rows: Row[] = [];
  for (const text of samples("fit").values()) {
    const cut = pieces(text, 1000);
    for (const piece of cut) rows.push(row(tokenizer, piece, kinds, 1 / cut.length));
  }
  const seen = new Set(rows.flatMap(({ uses }) => [...uses.keys()]));
  return { costs: packCosts(descend(rows, prior(rows)), seen), alone: packAlone(alone) };
}

/** The source of `weights.gen.ts`. */
export function generate(): string {
  const names: Tokenizer[] = ["o200k", "cl100k", "claude"];
  const body = names.map((name) => {
    const packed = fit(name);
    return `  ${name}: {\n    costs:\n      "${packed.costs}",\n    alone:\n      "${packed.alone}",\n  },\n`;
  });
  return `// Written by \`bun bench/calibrate.ts --fit\` from test/unit/workers/estimate/texts/fit; see docs/estimation.md. Do not edit.
export const WEIGHTS = {
${body.join("")}};
`;
}
