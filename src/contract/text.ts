/** Text with at most `most` characters, and `…` after it where some were left out. No character is cut in two. */
export function clipped(text: string, most: number): string {
  if (text.length <= most) return text;
  // A character takes one or two places of a string.
  const characters = Array.from(text.slice(0, most * 2));
  return characters.length > most || text.length > most * 2 ? `${characters.slice(0, most).join("")}…` : text;
}
