/**
 * Exact counts by a byte-pair table, for the models whose table is public. The table takes half a second and 100 MB to load, so it is loaded when a
 * configuration first asks for it.
 *
 * Byte-pair encoding is quadratic in the length of a run without a break: 100 kB of one letter would take a quarter of a minute. So runs are cut
 * (ordinary text is still counted exactly), and the work for one request has a bound. Text is counted in slices, which are taken from all over the
 * text. Slices beyond the bound are estimated: the fast estimate, times the ratio of exact to fast counts in the slices of the same request that were
 * counted. No clock takes part, so a busy machine or a cold table gives the same count.
 */
import { Buffer } from "node:buffer";
import { fastTokens, type Tokenizer, weightsOf } from "./text.ts";
import type { CountText } from "./walk.ts";

export interface ExactCounter {
  /** Starts the budget of one request; the function counts its texts (characters, not byte text). */
  begin(): CountText;
}

/** Longer runs are cut here. Counting a run of this length takes some 50 µs at worst, and hardly any token is longer. */
const RUN_CHARACTERS = 96;
/** A part of the text that is counted, or estimated, as one. */
const SLICE_CHARACTERS = 1024;
/**
 * Most work for one request, in bytes of ordinary text: some 7 ms, in which every stream of this thread waits. A byte of words that no table knows
 * costs up to 20 times as much. Such words show by their many tokens: each token beyond one for four bytes counts as `DEAR_TOKEN` bytes.
 */
const MOST_WORK = 128 * 1024;
const ORDINARY_BYTES_PER_TOKEN = 4;
const DEAR_TOKEN = 40;
/** Words that the library remembers. Each is at most a run and its tokens, so they take a few megabytes; the library's default of 100,000 takes hundreds. */
const REMEMBERED_WORDS = 5000;
/** A client's text may contain `<|endoftext|>`: it is counted as text, as the upstream reads it. */
const SPECIAL_AS_TEXT = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };

interface Table {
  countTokens(text: string, options: typeof SPECIAL_AS_TEXT): number;
  setMergeCacheSize(words: number): void;
}

const TABLES: Partial<Record<Tokenizer, () => Promise<Table>>> = {
  o200k: () => import("gpt-tokenizer/encoding/o200k_base"),
  cl100k: () => import("gpt-tokenizer/encoding/cl100k_base"),
};

const loading = new Map<Tokenizer, Promise<ExactCounter | undefined>>();

/**
 * The counter of a tokenizer, loaded once per thread; undefined where its table is not public.
 * @throws what the import throws; the next caller tries again
 */
export function exactCounter(tokenizer: Tokenizer, loadTable = TABLES[tokenizer]): Promise<ExactCounter | undefined> {
  const begun = loading.get(tokenizer);
  if (begun !== undefined) return begun;
  const fresh = load(tokenizer, loadTable);
  loading.set(tokenizer, fresh);
  fresh.catch(() => loading.delete(tokenizer));
  return fresh;
}

async function load(tokenizer: Tokenizer, loadTable: (() => Promise<Table>) | undefined): Promise<ExactCounter | undefined> {
  const table = await loadTable?.();
  if (table === undefined) return undefined;
  table.setMergeCacheSize(REMEMBERED_WORDS);
  return makeCounter(tokenizer, (text) => table.countTokens(text, SPECIAL_AS_TEXT));
}

/**
 * @param countPiece - the table's count of a short text
 * @param mostWork - see `MOST_WORK`
 */
export function makeCounter(tokenizer: Tokenizer, countPiece: (text: string) => number, mostWork = MOST_WORK): ExactCounter {
  const weights = weightsOf(tokenizer);
  const fast = (text: string) => fastTokens(Buffer.from(text, "utf8").toString("latin1"), weights);
  return {
    begin() {
      let workLeft = mostWork;
      // Sums of the counted slices over the whole request, exactly and by the fast estimate.
      let exactSum = 0;
      let fastSum = 0;
      return (text) => {
        const slices = sliced(text);
        const skipped: string[] = [];
        let sum = 0;
        for (const i of spread(slices.length)) {
          const slice = slices[i] ?? "";
          if (workLeft <= 0) {
            skipped.push(slice);
            continue;
          }
          let tokens = 0;
          for (const run of cutRuns(slice)) tokens += countPiece(run);
          sum += tokens;
          const bytes = Buffer.byteLength(slice, "utf8");
          workLeft -= bytes + DEAR_TOKEN * Math.max(0, tokens - bytes / ORDINARY_BYTES_PER_TOKEN);
          // The comparison is needed only where something may have to be scaled by it.
          if (slices.length > 1 || workLeft <= 0) {
            exactSum += tokens;
            fastSum += fast(slice);
          }
        }
        if (skipped.length === 0) return sum;
        const ratio = fastSum > 0 ? exactSum / fastSum : 1;
        for (const slice of skipped) sum += fast(slice) * ratio;
        return sum;
      };
    },
  };
}

/** Cuts a text where every table cuts it too: before a space between two letters or digits. */
function sliced(text: string): string[] {
  if (text.length <= SLICE_CHARACTERS) return [text];
  const slices: string[] = [];
  let from = 0;
  while (text.length - from > SLICE_CHARACTERS) {
    const to = cutBefore(text, from + SLICE_CHARACTERS - RUN_CHARACTERS, from + SLICE_CHARACTERS);
    slices.push(text.slice(from, to));
    from = to;
  }
  slices.push(text.slice(from));
  return slices;
}

function cutBefore(text: string, from: number, to: number): number {
  for (let i = to; i > from; i--) {
    if (text.charCodeAt(i) === 32 && isWord(text.charCodeAt(i - 1)) && isWord(text.charCodeAt(i + 1))) return i;
  }
  // No such place: anywhere but within a surrogate pair.
  return (text.charCodeAt(to) & 0xfc00) === 0xdc00 ? to - 1 : to;
}

function isWord(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code >= 0xc0;
}

/** The kind of a character: 0 white space, 1 letter, 2 digit, 3 sign. A run has characters of one kind. */
function runKind(code: number): number {
  if (code === 32 || (code >= 9 && code <= 13) || code === 0xa0 || code === 0x3000) return 0;
  if (isWord(code)) return 1;
  return code >= 48 && code <= 57 ? 2 : 3;
}

/** The slice in pieces; no piece holds a run longer than `RUN_CHARACTERS`. */
function cutRuns(slice: string): string[] {
  const cut: string[] = [];
  let from = 0;
  let start = 0;
  let kind = -1;
  for (let i = 0; i < slice.length; i++) {
    const here = runKind(slice.charCodeAt(i));
    if (here !== kind) {
      kind = here;
      start = i;
    } else if (i - start >= RUN_CHARACTERS && (slice.charCodeAt(i) & 0xfc00) !== 0xdc00) {
      cut.push(slice.slice(from, i));
      from = i;
      start = i;
    }
  }
  cut.push(from === 0 ? slice : slice.slice(from));
  return cut;
}

/** The numbers from 0 to n − 1, in steps of the golden section: the first few of them, however many, are spread over the whole. */
function* spread(n: number): Generator<number> {
  let step = Math.max(1, Math.round(n * 0.618));
  while (divisor(step, n) !== 1) step++;
  for (let i = 0, at = 0; i < n; i++, at = (at + step) % n) yield at;
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}
