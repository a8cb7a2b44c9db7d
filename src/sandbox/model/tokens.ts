/**
 * The tokens of the pretended model: pieces of words of up to four characters, with the white space before them. All pieces together are the text again,
 * character for character. No piece cuts a surrogate pair. `usage` counts the tokens that were sent.
 */

const PIECE = /\s{0,4}\S{1,4}|\s{1,4}/gu;

export function tokensOf(text: string): string[] {
  return text.match(PIECE) ?? [];
}

/** The tokens of an input of this length. Only the length counts. */
export function tokensIn(characters: number): number {
  return Math.ceil(characters / 4);
}

const WORDS = [" the", " weir", " is", " low", " and", " the", " rive", "r", " runs", " over", " it", ",", " day", " by", " day", "."];

/** `count` tokens of prose. Each is made when it is needed, so that a very large answer needs no memory. */
export function filler(count: number): Iterable<string> {
  return {
    *[Symbol.iterator]() {
      for (let index = 0; index < count; index++) yield WORDS[index % WORDS.length] ?? " ";
    },
  };
}
