const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Escapes text for contents and attributes of HTML and SVG. Characters that XML does not allow are left out. */
export const escaped = (text: string): string => text.replace(UNHOLDABLE, "").replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");

const UNHOLDABLE = /(?![\t\n\r])[\p{Cc}\p{Cs}\ufffe\uffff]/gu;
