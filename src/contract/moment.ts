/** Reads and writes moments as text (RFC 3339, §5.6). As a number, a moment is milliseconds since 1970. */

/** A date, or a date with a time and its distance from UTC. Seconds may be left out, and a blank may separate date and time. */
const MOMENT = /^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?([Zz]|[+-][0-9]{2}:[0-9]{2}))?$/;

/** The same pattern for a schema. */
export const MOMENT_PATTERN = MOMENT.source;

/** The moment that a text names; undefined for any other text and for a day that no calendar has. A date alone means midnight UTC. */
export function readMoment(text: string): number | undefined {
  if (!MOMENT.test(text)) return undefined;
  const date = text.slice(0, 10);
  const midnight = Date.parse(date);
  // `Date.parse` takes 30 February for 2 March.
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== date) return undefined;
  const moment = Date.parse(text);
  return Number.isNaN(moment) ? undefined : moment;
}

/** With milliseconds: `2027-01-01T00:00:00.000Z`. */
export function momentText(ms: number): string {
  return new Date(ms).toISOString();
}

/** Without a fraction: `2027-01-01T00:00:00Z`. */
export function secondText(ms: number): string {
  return `${momentText(ms).slice(0, 19)}Z`;
}

/** The day alone, in UTC: `2027-01-01`. */
export function dateText(ms: number): string {
  return momentText(ms).slice(0, 10);
}
