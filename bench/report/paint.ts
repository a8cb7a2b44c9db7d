/** Makes pictures for other pages, with their own colours and background. */
import colours from "./colours.css" with { type: "text" };
import { escaped } from "./escape.ts";

/** The light colours, which are first in the file. */
const LIGHT = new Map(
  [...colours.slice(0, colours.indexOf("}")).matchAll(/(--[\w-]+):\s*([^;]+);/g)].map(([, name = "", value = ""]) => [name, value]),
);

interface Picture {
  /** The beginning of the ids of its elements. */
  id: string;
  title: string;
  description: string;
  width: number;
  height: number;
  inner: string;
}

/** A whole SVG file. Colours are written as numbers, because some programs that show SVG do not support CSS variables. */
export function painted({ id, title, description, width, height, inner }: Picture): string {
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" ` +
    `aria-labelledby="${id}-title ${id}-desc">\n<title id="${id}-title">${escaped(title)}</title>\n` +
    `<desc id="${id}-desc">${escaped(description)}</desc>\n<rect width="${width}" height="${height}" fill="var(--paper)"/>\n${inner}\n</svg>\n`;
  return svg.replace(/var\((--[\w-]+)\)/g, (variable, name) => LIGHT.get(name) ?? variable);
}

interface Line {
  x: number;
  y: number;
  size: number;
  weight?: number;
  colour?: "--ink" | "--quiet";
}

export const line = (text: string, { x, y, size, weight = 400, colour = "--ink" }: Line): string =>
  `<text x="${x}" y="${y}" font-family="system-ui, sans-serif" font-size="${size}" font-weight="${weight}" fill="var(${colour})">${escaped(text)}</text>`;
