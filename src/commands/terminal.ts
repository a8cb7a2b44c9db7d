/** What people write on a command line (times, spans, numbers), and what they read (times, tables). */
import { milliseconds, SPAN } from "../config/units.ts";
import { momentText, readMoment } from "../contract/moment.ts";
import { UsageMistake } from "./command.ts";

/** A moment, or a span from now, as RFC 3339. @throws UsageMistake */
export function spokenMoment(option: string, text: string, nowMs: number): string {
  const ms = new RegExp(SPAN).test(text) ? nowMs + milliseconds(text) : readMoment(text);
  if (ms !== undefined && new Date(ms).getUTCFullYear() <= 9999) return momentText(ms);
  throw new UsageMistake(`--${option}: expected a time such as 2027-01-01T00:00:00Z, or a span such as 30d or 12h`);
}

/** @throws UsageMistake */
export function readSpan(option: string, text: string): string {
  if (new RegExp(SPAN).test(text)) return text;
  throw new UsageMistake(`--${option}: expected a span such as 30m, 1h or 7d`);
}

/** @throws UsageMistake */
export function readCount(option: string, text: string): number {
  if (/^[1-9][0-9]{0,9}$/.test(text)) return Number(text);
  throw new UsageMistake(`--${option}: expected a whole number from 1`);
}

/** A moment to the second, or `otherwise`. */
export function shownMoment(moment: string | null, otherwise: string): string {
  return moment === null ? otherwise : moment.replace(/\.\d+Z$/, "Z");
}

/**
 * Columns wide enough for their widest cell, two blanks from the margin. Every cell is ASCII or a path that a person chose, so each character takes one
 * column. A character that moves the cursor of a terminal is shown as a question mark.
 */
export function table(rows: readonly (readonly string[])[]): string {
  const plain = rows.map((row) => row.map((cell) => cell.replaceAll(/\p{Cc}/gu, "?")));
  const widths: number[] = [];
  for (const row of plain) for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  return plain.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd()).join("\n");
}
