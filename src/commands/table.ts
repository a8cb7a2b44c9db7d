/**
 * Columns wide enough for their widest cell, two blanks from the margin. Every cell is ASCII or a person's own path, so a character is a column; what
 * would move the cursor of a terminal is shown as a question mark.
 */
export function table(rows: readonly (readonly string[])[]): string {
  const plain = rows.map((row) => row.map((cell) => cell.replaceAll(/\p{Cc}/gu, "?")));
  const widths: number[] = [];
  for (const row of plain) for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  return plain.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd()).join("\n");
}
