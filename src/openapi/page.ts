/** The OpenAPI document as one page of HTML that loads nothing and runs nothing. */
import { shellWord } from "../dialects/description.ts";
import { code, escaped, htmlPage, inline } from "./html.ts";
import type { Json, JsonObject } from "./openapi.ts";

const METHODS = ["get", "post", "put", "delete"];
/** Levels of a schema on the page; the document has all of them. */
const DEEPEST = 3;

interface Operation {
  method: string;
  path: string;
  described: JsonObject;
  /** It is described only at the root, without the prefix. */
  atRoot: boolean;
}

/** What the page has in addition to the document. */
export interface PageSetting {
  /** HTML, between the title and the list of routes. */
  intro: string;
  /** The address in the examples, without a slash at the end. It is put between double quotes, so it may hold a variable of the shell. */
  address: string;
  /** The address in the examples of routes that are only at the root. */
  origin: string;
  /** The name of the variable that examples take the key from. */
  key: string;
}

export function docsPage(document: JsonObject, setting: PageSetting): string {
  const { info, components } = document;
  const schemas = object(object(components).schemas);
  const operations = Object.entries(object(document.paths)).flatMap(([path, item]) =>
    METHODS.flatMap((method): Operation[] => {
      const described = object(item)[method];
      return described === undefined
        ? []
        : [{ method: method.toUpperCase(), path, described: object(described), atRoot: object(item).servers !== undefined }];
    }),
  );
  const tags = list(document.tags).map(object);
  const groups = tags.map((tag) => ({ tag, members: operations.filter(({ described }) => list(described.tags)[0] === tag.name) }));
  const body = `<h1>${escaped(object(info).title)} <small>${escaped(object(info).version)}</small></h1>
<p>${inline(object(info).description)} The same as a document for tools: <a href="openapi.json">openapi.json</a>.</p>
${setting.intro}
<section><h2>Routes</h2><nav><ul>${operations.map((operation) => `<li>${title(operation, true)}</li>`).join("\n")}</ul></nav></section>
${groups.map(({ tag, members }) => group(object(tag), members, schemas, setting)).join("\n")}`;
  return htmlPage(object(info).title, body);
}

function group(tag: JsonObject, operations: Operation[], schemas: JsonObject, setting: PageSetting): string {
  return `<section><h2>${escaped(tag.name)}</h2><p>${inline(tag.description)}</p>
${operations.map((operation) => article(operation, schemas, setting)).join("\n")}</section>`;
}

function title({ method, path }: Operation, linked: boolean): string {
  const place = linked ? `<a href="#${anchor(method, path)}">${escaped(path)}</a>` : escaped(path);
  return `<span class="method ${method}">${method}</span> ${place}`;
}

function anchor(method: string, path: string): string {
  return `${method}${path.replaceAll(/[^a-z0-9]+/gi, "-")}`.toLowerCase();
}

function article(operation: Operation, schemas: JsonObject, setting: PageSetting): string {
  const { method, path, described } = operation;
  const body = object(object(described.requestBody).content)["application/json"];
  const parameters = list(described.parameters).map(object);
  return `<article id="${anchor(method, path)}">
<h3>${title(operation, false)}</h3>
<p>${escaped(described.summary)}${described.description === undefined ? "" : `. ${inline(described.description)}`}</p>
${parameters.length === 0 ? "" : `<h4>Parameters</h4><table>${parameters.map(parameterRow).join("")}</table>`}
${body === undefined ? "" : `<h4>Body</h4>${named(object(object(body).schema), schemas)}`}
<h4>Example</h4>${code(curl(operation, setting))}
<h4>Answers</h4><table>${Object.entries(object(described.responses))
    .map(([status, response]) => responseRow(status, object(response), schemas))
    .join("")}</table>
</article>`;
}

function parameterRow({ name, in: place, description, schema }: JsonObject): string {
  return `<tr><td><code>${escaped(name)}</code></td><td class="soft">${escaped(place)}</td><td>${inline(description)} <small>${kind(object(schema))}</small></td></tr>`;
}

function responseRow(status: string, { description, headers, content }: JsonObject, schemas: JsonObject): string {
  const names = Object.keys(object(headers));
  const bodies = Object.entries(object(content)).map(([type, media]) => {
    const { schema, example, examples } = object(media);
    const first = example ?? object(Object.values(object(examples))[0]).value;
    const shown = first === undefined ? "" : code(typeof first === "string" ? first.trim() : JSON.stringify(first, null, 1));
    return `<details><summary>${escaped(type)}</summary>${schema === undefined ? "" : named(object(schema), schemas)}${shown}</details>`;
  });
  const listed =
    names.length === 0 ? "" : `<p><small>Headers: ${names.map((name) => `<code>${escaped(name)}</code>`).join(" ")}</small></p>`;
  return `<tr><td><code>${escaped(status)}</code></td><td>${inline(description)}${listed}${bodies.join("")}</td></tr>`;
}

/** The example as a command for a shell. */
function curl({ method, path, described, atRoot }: Operation, { address, origin, key }: PageSetting): string {
  const parameters = list(described.parameters).map(object);
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(parameters.find((parameter) => parameter.name === name)?.example ?? name)),
  );
  const place = atRoot ? origin : address;
  const body = object(object(object(described.requestBody).content)["application/json"]).example;
  return [
    `curl ${method === "GET" || (method === "POST" && body !== undefined) ? "" : `-X ${method} `}"${place}${filled}"`,
    ...(list(described.security ?? ["key"]).length === 0 ? [] : [`-H "Authorization: Bearer $${key}"`]),
    ...(body !== undefined ? ['-H "Content-Type: application/json"', `-d ${shellWord(JSON.stringify(body))}`] : []),
  ].join(" \\\n  ");
}

/** A schema under its name, in a block that opens. */
function named(schema: JsonObject, schemas: JsonObject): string {
  const name = typeof schema.$ref === "string" ? schema.$ref.split("/").at(-1) : undefined;
  const found = name === undefined ? schema : object(schemas[name]);
  const shown = fields(found, 0);
  return shown === "" ? "" : `<details><summary>${escaped(name ?? "fields")}</summary>${shown}</details>`;
}

function fields(schema: JsonObject, depth: number): string {
  if (depth > DEEPEST) return "";
  const variants = list(schema.anyOf).map(object);
  const inner = [...(schema.items === undefined ? [] : [object(schema.items)]), ...variants]
    .map((variant) => fields(variant, depth))
    .join("");
  const properties = Object.entries(object(schema.properties));
  if (properties.length === 0) return inner;
  const rows = properties.map(([name, property]) => {
    const required = list(schema.required).includes(name) ? "" : " optional";
    const below = fields(object(property), depth + 1);
    const line = `<code>${escaped(name)}</code> <small>${kind(object(property))}${required}</small>`;
    return `<li>${below === "" ? line : `<details><summary>${line}</summary>${below}</details>`}</li>`;
  });
  return `<ul class="fields">${rows.join("")}</ul>${inner}`;
}

/** A schema in a few words. */
function kind(schema: JsonObject): string {
  if (schema.const !== undefined) return `<code>${escaped(JSON.stringify(schema.const))}</code>`;
  const variants = list(schema.anyOf)
    .map(object)
    .filter((variant) => variant["x-tolerated"] !== true);
  if (variants.length > 0) return [...new Set(variants.map(kind))].join(" | ");
  const type = typeof schema.type === "string" ? schema.type : "anything";
  if (type === "array") return `array of ${kind(object(schema.items))}`;
  if (schema.enum !== undefined)
    return list(schema.enum)
      .map((value) => `<code>${escaped(value)}</code>`)
      .join(" | ");
  const { minimum, maximum } = schema;
  const range = [minimum === undefined ? "" : `≥ ${minimum}`, maximum === undefined ? "" : `≤ ${maximum}`].filter((part) => part !== "");
  return escaped([type, ...range].join(" "));
}

function object(value: Json | undefined): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

function list(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}
