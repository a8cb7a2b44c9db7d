/** The first part of the page: how each client is set up, and which models and regions are served. */
import { descriptions } from "../dialects/openapi.ts";
import { routes } from "../request/routes.ts";
import { code, escaped, inline } from "./html.ts";
import type { Offered, OfferedModel } from "./offered.ts";
import { Shown } from "./shown.ts";

/** @param address - what the examples call, without a slash at the end */
export function startSection(offered: Offered, address: string): string {
  const { regions, models } = offered;
  return `<section><h2>Start</h2>
<p>Put your key into the environment of your shell. Every example takes it from there.</p>
${code("export WEIR_KEY='weir_…'")}
${snippets(offered, address)}</section>
<section><h2>Models and regions</h2>
<p>Regions: ${regions.map((region) => `<code>${escaped(region)}</code>`).join(", ")}. The <code>models</code> routes below list the models that your key may use.</p>
${models.length === 0 ? "<p>No model is shared by all workspaces here.</p>" : modelTable(models)}</section>`;
}

function modelTable(models: readonly OfferedModel[]): string {
  const rows = models.map(({ name, dialect, regions }) => {
    const cells = [`<code>${escaped(name)}</code>`, escaped(descriptions[dialect].title), escaped(regions.join(", "))];
    return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
  });
  return `<details><summary>Models that workspaces share (${models.length})</summary><table><tr><th>model</th><th>routes</th><th>regions</th></tr>${rows.join("")}</table></details>`;
}

function snippets(offered: Offered, address: string): string {
  const dialects = [...new Set(routes.map(({ dialect }) => dialect))];
  const all = dialects.flatMap(({ name, upstream }) => {
    const described = descriptions[name];
    const { model, region, models } = new Shown(offered, upstream, described.model);
    return models.length === 0 ? [] : (described.snippets?.({ address, model, region: encodeURIComponent(region) }) ?? []);
  });
  return all
    .map(({ id, title, note, text }) => {
      const noted = note === undefined ? "" : `<p>${inline(note)}</p>`;
      return `<h3>${escaped(title)}</h3>${noted}<div id="start-${id}">${code(text)}</div>`;
    })
    .join("\n");
}
