/**
 * The sandbox's tokens: word pieces of up to four characters with the white space before them. Joined they are the text again, character
 * for character, and no piece cuts a surrogate pair; `usage` counts the tokens that were streamed.
 */

const PIECE = /\s{0,4}\S{1,4}|\s{1,4}/gu;

export function tokensOf(text: string): string[] {
  return text.match(PIECE) ?? [];
}

/** Tokens of an input, which are counted by its length alone. */
export function tokensIn(characters: number): number {
  return Math.ceil(characters / 4);
}

const WORDS = [" the", " weir", " is", " low", " and", " the", " rive", "r", " runs", " over", " it", ",", " day", " by", " day", "."];

/** `count` tokens of prose, each made when it is needed, so that a very large answer takes no memory. */
export function filler(count: number): Iterable<string> {
  return {
    *[Symbol.iterator]() {
      for (let index = 0; index < count; index++) yield WORDS[index % WORDS.length] ?? " ";
    },
  };
}
