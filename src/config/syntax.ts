/** Messages about a text that is not YAML. The library's own messages are never shown: many of them quote the text, which may hold a secret. */
import type { ErrorCode, YAMLError } from "yaml";

const TEXTS: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: 'expected nothing but the name after "*"; put text that begins with "*" in quotes',
  BAD_ALIAS: 'expected an alias ("*name") to have a name; put text that begins with "*" in quotes',
  BAD_COLLECTION_TYPE: 'expected plain YAML, got a tag ("!…") that does not fit what follows it',
  BAD_DIRECTIVE: 'expected plain YAML, got a directive ("%…"); put text that begins with "%" in quotes',
  BAD_DQ_ESCAPE: 'expected an escape that exists after "\\"; put text with "\\" in single quotes',
  BAD_INDENT: "expected this line to be below the one it belongs to, with as many blanks before it as the lines beside it have",
  BAD_PROP_ORDER: 'expected tags ("!…") and anchors ("&…") in front of their value; put text that begins so in quotes',
  BAD_SCALAR_START: "expected text to begin with a letter or a digit; put text that begins with another character in quotes",
  BLOCK_AS_IMPLICIT_KEY: 'expected one "name: value" on a line; put text with ": " in it in quotes',
  BLOCK_IN_FLOW: "expected no list or map of several lines between braces or brackets",
  DUPLICATE_KEY: "expected each name once",
  IMPOSSIBLE: "expected YAML, got something else",
  KEY_OVER_1024_CHARS: 'expected a name before ":", got one of more than 1,024 characters',
  MISSING_CHAR: 'expected a closing quote, brace or bracket, a comma, or a ":" here or before',
  MULTILINE_IMPLICIT_KEY: 'expected "name: value" on one line; a ":" or a closing quote may be missing',
  MULTIPLE_ANCHORS: 'expected one anchor ("&name"); put text that begins with "&" in quotes',
  MULTIPLE_DOCS: 'expected one document, got a second one after "---"',
  MULTIPLE_TAGS: 'expected plain YAML, got tags ("!…"); put text that begins with "!" in quotes',
  NON_STRING_KEY: "expected a text as the name of a setting",
  RESOURCE_EXHAUSTION: "expected fewer levels of lists and maps",
  TAB_AS_INDENT: "expected blanks at the beginning of the line, got a tab",
  TAG_RESOLVE_FAILED: 'expected plain YAML, got a tag ("!…"); put text that begins with "!" in quotes',
  UNEXPECTED_TOKEN:
    "expected the end of a value here; a comma, a quote or a line end may be missing before, or a brace or bracket be one too many",
};

/** Without quotes, a reference between braces or brackets opens a map. */
const UNQUOTED_REFERENCE = /[\s:,[{]\$\{/;

/** Those of the library's messages that quote no text: `Flow map in block collection must be sufficiently indented and end with a }`. */
const UNCLOSED = /^Flow \w+ .* end with a ([\]}])$/;

/** @param before - the line of the error, up to the error and with one character more */
export function syntaxText({ code, message }: YAMLError, before: string): string {
  if (UNQUOTED_REFERENCE.test(before)) {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the notation that is described
    return 'expected quotes around a "${…}" between braces or brackets; write "${NAME}" with the quotes';
  }
  const [, closing] = UNCLOSED.exec(message) ?? [];
  if (closing !== undefined)
    return `expected a "${closing}" here or before, which closes the "${closing === "}" ? "{" : "["}" of a line above`;
  return TEXTS[code] ?? TEXTS.IMPOSSIBLE;
}
