import { createHash } from "node:crypto";
import type { Json } from "./openapi.ts";
import { STYLE } from "./style.ts";

/** A page loads nothing, runs nothing, sends nothing and may not be framed; it has this one style of its own. */
const STYLE_SOURCE = `'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`;
const POLICY = `default-src 'none'; style-src ${STYLE_SOURCE}; base-uri 'none'; form-action 'none'`;

export const HTML_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": `${POLICY}; frame-ancestors 'none'`,
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** A whole page. `body` is HTML, the title is not. */
export function htmlPage(title: Json | undefined, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="content-security-policy" content="${POLICY}">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

export function escaped(value: Json | undefined): string {
  return String(value ?? "").replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}

/** Sentences with code between backticks. */
export function inline(value: Json | undefined): string {
  return escaped(value).replaceAll(/`([^`]+)`/g, "<code>$1</code>");
}

export function code(text: string): string {
  return `<pre><code>${escaped(text)}</code></pre>`;
}
