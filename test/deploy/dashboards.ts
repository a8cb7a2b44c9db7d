/** The dashboards of `deploy/grafana` as a test reads them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DEPLOY } from "./prometheus.ts";

export interface Panel {
  title: string;
  type: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource: { uid: string };
  fieldConfig: {
    defaults: {
      unit?: string;
      min?: number | null;
      max?: number;
      mappings?: { options: Record<string, { text: string; color: string }> }[];
      thresholds?: { steps: { value: number | null; color: string }[] };
      custom?: { fillOpacity: number; stacking: { mode: string } };
    };
  };
  targets?: { expr: string; legendFormat: string }[];
}

export interface Dashboard {
  file: string;
  uid: string;
  title: string;
  links: { url: string }[];
  panels: Panel[];
  templating: { list: { name: string; type: string; definition?: string; allValue?: string }[] };
  annotations: { list: { expr: string }[] };
}

export function dashboards(): Dashboard[] {
  const folder = join(DEPLOY, "grafana");
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return files.map((file) => ({ ...JSON.parse(readFileSync(join(folder, file), "utf8")), file }));
}

/** A query as Grafana would send it, with everything chosen in each list. */
export function filledIn(expression: string, interval: string, { templating }: Pick<Dashboard, "templating">): string {
  return expression.replace(/\$(\w+)/g, (_, name: string) => {
    if (name === "__rate_interval") return interval;
    if (name === "job") return "weir";
    const variable = templating.list.find((one) => one.name === name);
    if (variable?.allValue === undefined) throw new Error(`$${name} is no variable of the dashboard: ${expression}`);
    return variable.allValue;
  });
}
