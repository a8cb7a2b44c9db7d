/** Writes the tables of `docs/fidelity.md` from what models take. `bun run docs` runs it; `tables.test.ts` fails where they are stale. */
import { AZURE_FIELDS, AZURE_TAKES } from "../../../src/providers/azure/takes.ts";
import { BEDROCK_FIELDS, BEDROCK_TAKES } from "../../../src/providers/bedrock/takes.ts";

export const FIDELITY_PAGE = new URL("../../../docs/fidelity.md", import.meta.url);

/** `page` with its tables as they are now. */
export function withTables(page: string): string {
  return put(put(page, "bedrock", bedrock()), "azure", azure());
}

function put(page: string, name: string, table: string): string {
  const [before, rest] = page.split(new RegExp(`(?<=<!-- ${name}: [^\\n]*-->\\n)`));
  const end = `<!-- end of ${name} -->`;
  if (before === undefined || rest === undefined || !rest.includes(end)) throw new Error(`docs/fidelity.md has lost its marks of ${name}`);
  return `${before}\n${table}\n${rest.slice(rest.indexOf(end))}`;
}

const yes = (takes: boolean) => (takes ? "✓" : "");

function bedrock(): string {
  const models = Object.entries(BEDROCK_TAKES);
  const fields = BEDROCK_FIELDS.filter(
    (field) => models.some(([, line]) => line.fields.includes(field)) && field !== "output_config.effort",
  );
  const head = `| model | ${fields.map((field) => `\`${field}\``).join(" | ")} | effort |\n|--|${fields.map(() => "--|").join("")}--|`;
  const rows = models.map(
    ([name, line]) => `| ${name} | ${fields.map((field) => yes(line.fields.includes(field))).join(" | ")} | ${line.efforts.join(", ")} |`,
  );
  const flags = [...new Set(models.flatMap(([, line]) => line.betas))].sort();
  const flagRows = flags.map((flag) => {
    const takers = models.filter(([, line]) => line.betas.includes(flag)).map(([name]) => name);
    return `| \`${flag}\` | ${takers.length === models.length ? "all" : takers.join(", ")} |`;
  });
  return `${[head, ...rows].join("\n")}\n\n| flag | models that take it |\n|--|--|\n${flagRows.join("\n")}\n`;
}

function azure(): string {
  const head = `| model | ${AZURE_FIELDS.map((field) => `\`${field}\``).join(" | ")} |\n|--|${AZURE_FIELDS.map(() => "--|").join("")}`;
  const rows = Object.entries(AZURE_TAKES).map(
    ([name, line]) => `| ${name} | ${AZURE_FIELDS.map((field) => yes(line.includes(field))).join(" | ")} |`,
  );
  return `${[head, ...rows].join("\n")}\n`;
}
