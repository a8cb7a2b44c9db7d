/** The log for a person at a terminal: a line of JSON becomes its time, its level, its message and its fields. */

export type LogFormat = "json" | "text";

/** @param wanted - `WEIR_LOG_FORMAT`; for any other value than the two formats, the output decides. */
export function chooseFormat(wanted: string | undefined, isTerminal: boolean): LogFormat {
  if (wanted === "json" || wanted === "text") return wanted;
  return isTerminal ? "text" : "json";
}

const LONGEST_LEVEL = 5;
/** Values that need no quotes. */
const PLAIN = /^[\w.:/@+{}-]+$/;
/** Characters that JSON leaves as they are and that a terminal may take for a command. */
const CONTROLS = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Rewrites whole lines; a line that is not of the log stays as it is. */
export function readable(lines: string): string {
  return lines
    .split("\n")
    .map((line) => (line.startsWith("{") ? readableLine(line) : line))
    .join("\n");
}

function readableLine(line: string): string {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    return line;
  }
  const { time, level, message, ...fields } = event as Record<string, unknown>;
  if (typeof time !== "string" || typeof level !== "string" || typeof message !== "string") return line;
  const pairs = Object.entries(fields).flatMap(([name, value]) => (value === "" ? [] : [`${name}=${spell(value)}`]));
  return [clockOf(time), level.toUpperCase().padEnd(LONGEST_LEVEL), `${harmless(message)}${pairs.length === 0 ? "" : " "}`, ...pairs].join(
    " ",
  );
}

/** Time of day in this machine's time zone, to the millisecond. */
function clockOf(time: string): string {
  const at = new Date(time);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

function spell(value: unknown): string {
  return typeof value === "string" && PLAIN.test(value) ? value : harmless(JSON.stringify(value));
}

function harmless(text: string): string {
  return text.replace(CONTROLS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
