/** The report as one HTML page with its styles and charts inside. It loads nothing, and its content security policy forbids it to. */
import type { BenchResult } from "../result.ts";
import { targetRows, figure as written } from "../table.ts";
import { chart } from "./chart.ts";
import colours from "./colours.css" with { type: "text" };
import { escaped } from "./escape.ts";
import { type Figure, type Section, sections } from "./figures.ts";
import style from "./page.css" with { type: "text" };
import { explained } from "./variants.ts";

const SUBJECT = "weir";
const METHOD =
  "Each measurement has new processes. Before anything is timed, their answers are read whole and compared with what the stand-in upstream sends. " +
  "One wrong answer fails the run. " +
  "The load comes from a separate process, the order of the variants is reversed in every other round, and all variants run on the same machine in the same run: " +
  "ratios are valid elsewhere, single figures are not. " +
  "A bar is the median of the rounds, and its whisker goes from the least to the most. A bar marked › is longer than there is room for. CPU is user and system time of the whole process tree.";

export function page(result: BenchResult): string {
  const all = sections(result);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Weir benchmark, ${escaped(day(result.startedAt))}</title>
<style>
${colours}${style}</style>
</head>
<body>
<main>
<h1>Weir benchmark</h1>
<p>${METHOD}</p>
${about(result)}
${variants(result)}
${contents(all)}
${targets(result)}
${all.map(section).join("\n")}
${missed(result)}
</main>
</body>
</html>
`;
}

const day = (startedAt: string): string => startedAt.slice(0, 16).replace("T", " ");

function about({ machine, versions, commit, rounds, startedAt, arguments: words }: BenchResult): string {
  const facts = [
    ["Run", `${day(startedAt)} UTC, ${rounds} ${rounds === 1 ? "round" : "rounds"}, commit ${commit}`],
    ["Machine", `${machine.processors} × ${machine.model}, ${machine.memoryGiB} GiB, Linux ${machine.kernel}`],
    [
      "Versions",
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(", "),
    ],
    ["Command", `bun run bench ${words.length > 0 ? `-- ${words.join(" ")}` : ""}`],
  ];
  const known = facts.filter(([, value]) => value !== "");
  return definitions(known.map(([name = "", value = ""]) => [name, value]));
}

const definitions = (all: readonly [name: string, value: string][]): string =>
  `<dl>\n${all.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`).join("\n")}\n</dl>`;

function variants(result: BenchResult): string {
  const all = explained(result);
  return all.length === 0 ? "" : `<section><h2>Variants</h2>\n${definitions(all)}</section>`;
}

const contents = (all: readonly Section[]): string =>
  all.length < 2
    ? ""
    : `<nav aria-label="Scenarios"><ul>${all.map(({ id, scenario }) => `<li><a href="#${id}">${escaped(scenario.title)}</a></li>`).join("")}</ul></nav>`;

function targets(result: BenchResult): string {
  const [head = [], ...rows] = targetRows(result);
  if (rows.length === 0) return "";
  const headRow = head.map((cell) => `<th scope="col">${escaped(cell)}</th>`).join("");
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${escaped(cell)}</td>`).join("")}</tr>`).join("\n");
  return `<section class="targets"><h2>Targets</h2><div class="wide"><table><thead><tr>${headRow}</tr></thead><tbody>\n${body}\n</tbody></table></div></section>`;
}

const LIMITERS: Readonly<Record<string, string>> = { redis: "limits in Redis", memory: "limits in memory", off: "no limits" };

const section = ({ id, scenario, figures }: Section): string => `<section aria-labelledby="${id}">
<h2 id="${id}">${escaped(scenario.title)}</h2>
<p class="quiet"><code>${escaped(scenario.name)}</code>, ${escaped(LIMITERS[scenario.limiter] ?? scenario.limiter)}</p>
${figures.length === 0 ? "<p>Nothing was measured.</p>" : `<div class="figures">\n${figures.map(drawn).join("\n")}\n</div>`}
</section>`;

const drawn = (figure: Figure): string => `<figure>
<figcaption><h3>${escaped(figure.measure)}</h3></figcaption>
${chart(figure)}<div class="wide"><table aria-label="${escaped(`${figure.title}: ${figure.measure}`)}">
<thead><tr><th scope="col">variant</th><th scope="col">median</th><th scope="col">least–most</th><th scope="col">to bare</th></tr></thead>
<tbody>
${figure.rows.map(row).join("\n")}
</tbody>
</table></div>
</figure>`;

const row = ({ variant, median, least, most, toBare }: Figure["rows"][number]): string =>
  `<tr${variant === SUBJECT ? ' class="subject"' : ""}><th scope="row">${escaped(variant)}</th>` +
  `<td>${written(median)}</td><td>${written(least)}${least < 0 ? " to " : "–"}${written(most)}</td><td>${escaped(toBare)}</td></tr>`;

const missed = ({ notRun }: BenchResult): string =>
  notRun.length === 0
    ? ""
    : `<section><h2>Not run</h2><ul>${notRun.map(({ what, why }) => `<li><strong>${escaped(what)}</strong>: ${escaped(why)}</li>`).join("")}</ul></section>`;
