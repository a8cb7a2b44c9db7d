const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text as it may stand between tags and in attributes, of HTML and of SVG. What XML cannot hold is left out. */
export const escaped = (text: string): string => text.replace(UNHOLDABLE, "").replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");

const UNHOLDABLE = /(?![\t\n\r])[\p{Cc}\p{Cs}\ufffe\uffff]/gu;
