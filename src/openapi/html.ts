import { createHash } from "node:crypto";
import type { Json } from "./openapi.ts";

/** The page's whole appearance, light and dark. */
const STYLE = `
:root { color-scheme: light dark; --ink: #1b2430; --soft: #5a6675; --line: #d9dee5; --paper: #fff; --well: #f4f6f9; --link: #0b5cad; --get: #1a7f4b; --post: #8a4b08; --delete: #b3261e }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e3e8ee; --soft: #9aa7b6; --line: #323c48; --paper: #14191f; --well: #1d242c; --link: #79b8ff; --get: #5fd39a; --post: #f0b45f; --delete: #ff8a80 }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 4rem }
h1 { font-size: 1.8rem; margin: 0 } h2 { margin: 2.5rem 0 .3rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line) }
h3 { margin: 0; font-size: 1rem; font-weight: 600; overflow-wrap: anywhere } section > h3 { margin-top: 1.4rem } h4 { margin: 1rem 0 .3rem; font-size: .9rem; color: var(--soft) }
p { margin: .3rem 0 } a { color: var(--link) } small, .soft { color: var(--soft) }
code, pre { font: .86rem/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace }
code { background: var(--well); border-radius: 3px; padding: .05em .3em; overflow-wrap: anywhere }
pre { background: var(--well); border: 1px solid var(--line); border-radius: 6px; padding: .7rem .9rem; margin: .3rem 0; white-space: pre-wrap; overflow-wrap: anywhere }
pre code { background: none; padding: 0 }
article { border: 1px solid var(--line); border-radius: 8px; padding: .9rem 1.1rem; margin: .9rem 0 }
.method { display: inline-block; min-width: 3.4rem; font-weight: 700 } .GET { color: var(--get) } .POST, .PUT { color: var(--post) } .DELETE { color: var(--delete) }
table { border-collapse: collapse; width: 100%; font-size: .92rem } th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-top: 1px solid var(--line) }
th { color: var(--soft); font-weight: 500 } td:first-child, td:first-child code { white-space: nowrap; overflow-wrap: normal }
details { margin: .3rem 0 } summary { cursor: pointer; color: var(--link) }
ul.fields { list-style: none; margin: .2rem 0; padding-left: 1rem; border-left: 2px solid var(--line) } ul.fields + ul.fields { margin-top: .7rem } ul.fields li { margin: .2rem 0 }
nav ul { columns: 2; column-gap: 2rem; padding: 0; list-style: none; font-size: .92rem } nav li { break-inside: avoid; overflow-wrap: anywhere }
@media (max-width: 40rem) { nav ul { columns: 1 } }
`;

/** A page loads nothing, runs nothing, sends nothing and may not be framed. Its only style is this one. */
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

/** HTML of sentences that have code between backticks. */
export function inline(value: Json | undefined): string {
  return escaped(value).replaceAll(/`([^`]+)`/g, "<code>$1</code>");
}

export function code(text: string): string {
  return `<pre><code>${escaped(text)}</code></pre>`;
}
