/** What a rule of the house can see of one source file: what it imports and what it says, comments left out. */
import { type Node, parseSync } from "oxc-parser";

export interface Source {
  /** From the root of the repository, with forward slashes. */
  file: string;
  lines: number;
  /** Every module that the file imports, as written: imports and re-exports, types included, `import()`, `require()`. */
  imports: string[];
  /** Those of them that are imported for types alone: they are not loaded when the program runs. */
  typeImports: Set<string>;
  /** Those of them that are loaded only when a line of code asks for them: `import()`. */
  lateImports: Set<string>;
  /** Every identifier and property name, once. */
  names: Set<string>;
  /** The text of every string and template, imports left out. */
  strings: string[];
  /** `a.b` of every member access on a plain name. */
  members: Set<string>;
  /** The name after `new`: `Worker`, also of `globalThis.Worker`. */
  constructed: Set<string>;
  defaultExport: boolean;
}

/** @throws Error where the file is not TypeScript. */
export function readSource(file: string, text: string): Source {
  const { program, errors } = parseSync(file, text);
  if (errors[0]) throw new Error(`${file}: ${errors[0].message}`);
  const source: Source = {
    file,
    lines: text.split("\n").length - (text.endsWith("\n") ? 1 : 0),
    imports: [],
    typeImports: new Set(),
    lateImports: new Set(),
    names: new Set(),
    strings: [],
    members: new Set(),
    constructed: new Set(),
    defaultExport: false,
  };
  visit(program, source);
  return source;
}

function visit(node: Node, source: Source): void {
  const asked = requested(node);
  if (asked !== undefined) {
    source.imports.push(asked);
    if (node.type === "ImportDeclaration" && node.importKind === "type") source.typeImports.add(asked);
    if (node.type === "ImportExpression") source.lateImports.add(asked);
  }
  switch (node.type) {
    case "Identifier":
      source.names.add(node.name);
      break;
    case "Literal":
      if (typeof node.value === "string") source.strings.push(node.value);
      break;
    case "TemplateElement":
      source.strings.push(node.value.cooked ?? node.value.raw);
      break;
    case "MemberExpression": {
      const name = propertyName(node);
      if (node.object.type === "Identifier" && name !== undefined) source.members.add(`${node.object.name}.${name}`);
      break;
    }
    case "NewExpression":
      if (node.callee.type === "Identifier") source.constructed.add(node.callee.name);
      if (node.callee.type === "MemberExpression") source.constructed.add(propertyName(node.callee) ?? "");
      break;
    case "ExportDefaultDeclaration":
      source.defaultExport = true;
      break;
  }
  for (const [key, value] of Object.entries(node)) {
    if (key === "source" && asked !== undefined) continue;
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) visit(child, source);
  }
}

/** The module that this node imports, where it names one by a plain string. */
function requested(node: Node): string | undefined {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportAllDeclaration":
      return node.source.value;
    case "ExportNamedDeclaration":
      return node.source?.value;
    case "ImportExpression":
    case "TSImportType":
      return node.source.type === "Literal" && typeof node.source.value === "string" ? node.source.value : undefined;
    case "CallExpression": {
      const [first] = node.arguments;
      const isRequire = node.callee.type === "Identifier" && node.callee.name === "require";
      return isRequire && first?.type === "Literal" && typeof first.value === "string" ? first.value : undefined;
    }
    default:
      return undefined;
  }
}

function propertyName(node: Extract<Node, { type: "MemberExpression" }>): string | undefined {
  if (node.property.type === "Identifier" && !node.computed) return node.property.name;
  return node.property.type === "Literal" ? String(node.property.value) : undefined;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}
