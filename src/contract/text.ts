/** How texts, sizes and numbers are written for a person. */

/** Text with at most `most` characters, and `…` after it where some were left out. No character is cut in two. */
export function clipped(text: string, most: number): string {
  if (text.length <= most) return text;
  // A character takes one or two places of a string.
  const characters = Array.from(text.slice(0, most * 2));
  return characters.length > most || text.length > most * 2 ? `${characters.slice(0, most).join("")}…` : text;
}

const UNITS = ["bytes", "KiB", "MiB", "GiB"] as const;

/** `6 MiB`, `1.5 KiB`, `500 bytes`: a size in the largest unit that it reaches, rounded down to a thousandth of the unit. */
export function sizeText(bytes: number): string {
  let at = 0;
  while (at < UNITS.length - 1 && bytes >= 1024 ** (at + 1)) at++;
  return `${decimalText(Math.floor((bytes * 1000) / 1024 ** at))} ${UNITS[at]}`;
}

/** The digits after the point, by thousandths: "", ".001" … ".999", without zeros at the end. */
const FRACTIONS = Array.from({ length: 1000 }, (_, thousandths) => String(thousandths / 1000).slice(1));

/** `1.5` for 1500: a whole number of thousandths, not below zero. The engines' own way to a fraction's digits costs more than the rest of a log line. */
export function decimalText(thousandths: number): string {
  const whole = Math.floor(thousandths / 1000);
  return `${whole}${FRACTIONS[thousandths - whole * 1000]}`;
}
