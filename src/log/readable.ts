/** The log for a person at a terminal: a line of JSON becomes its time, its level, its message and its fields. */

export type LogFormat = "json" | "text";

/** @param wanted - `WEIR_LOG_FORMAT`; anything but the two formats is what suits the output. */
export function chooseFormat(wanted: string | undefined, isTerminal: boolean): LogFormat {
  if (wanted === "json" || wanted === "text") return wanted;
  return isTerminal ? "text" : "json";
}

const LONGEST_LEVEL = 5;
/** What needs no quotes. */
const PLAIN = /^[\w.:/@+{}-]+$/;
/** JSON leaves these as they are, and a terminal may take them for a command. */
const CONTROLS = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Rewrites whole lines; what is not of the log is left as it is. */
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
  const told = Object.entries(fields).flatMap(([name, value]) => (value === "" ? [] : [`${name}=${spell(value)}`]));
  return [clockOf(time), level.toUpperCase().padEnd(LONGEST_LEVEL), `${harmless(message)}${told.length === 0 ? "" : " "}`, ...told].join(
    " ",
  );
}

/** In the time of this machine, to the millisecond. */
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
