import type { TSchema } from "@sinclair/typebox";
import { schema } from "./schema/file.ts";

// biome-ignore lint/suspicious/noTemplateCurlyInString: it is the notation that is described
const REFERENCE = { type: "string", pattern: "\\$\\{.+\\}", description: "Filled from the environment: ${VAR} or ${VAR:-default}." };

/** The JSON Schema of `weir.yaml`, draft 2020-12, as JSON text for editors: the schema of the check, with `${…}` allowed for every single value. */
export function publishedSchema(): string {
  const published = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "weir.yaml",
    ...(publish(schema as TSchema) as Record<string, unknown>),
    $defs: { environment: REFERENCE },
  };
  return `${JSON.stringify(published, null, 2)}\n`;
}

function publish(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(publish);
  if (typeof node !== "object" || node === null) return node;
  const here = node as Record<string, unknown>;
  if ("const" in here) return { ...here };
  if (isScalar(here)) {
    if (here.type === "string" && here.pattern === undefined) return { ...here };
    const { title, description, default: fallback, ...rules } = here;
    const described = Object.fromEntries(
      Object.entries({ title, description, default: fallback }).filter(([, text]) => text !== undefined),
    );
    return { ...described, anyOf: [...(Array.isArray(rules.anyOf) ? rules.anyOf : [rules]), { $ref: "#/$defs/environment" }] };
  }
  const published = Object.fromEntries(Object.entries(here).map(([key, value]) => [key, key === "default" ? value : publish(value)]));
  const { properties, required } = here as { properties?: Record<string, object>; required?: string[] };
  if (properties !== undefined) {
    // A setting with a default may be left out of a file.
    const demanded = (required ?? []).filter((key) => !("default" in (properties[key] ?? {})));
    delete published.required;
    if (demanded.length > 0) published.required = demanded;
    published.properties = Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, publish(value)]));
  }
  return published;
}

/** A value without parts: a text, a number, or a choice of such. */
function isScalar(node: Record<string, unknown>): boolean {
  if (Array.isArray(node.anyOf)) return node.anyOf.every((choice) => (choice as TSchema).type !== "object");
  return ["string", "integer", "number", "boolean"].includes(String(node.type));
}
