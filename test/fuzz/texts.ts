/** JSON that may be wrong: a document is a tree in which a member may appear twice, and a value may be any text. */
import type { Dice } from "./dice.ts";

/** A value as text, or a tree of them. */
type Node = { kind: "text"; text: string } | { kind: "array"; items: Node[] } | { kind: "object"; members: [key: string, value: Node][] };

/** Keys that mean something to JavaScript, to the gateway or to an upstream, and some that are merely odd. */
const KEYS = [
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "",
  " ",
  "model",
  "messages",
  "stream",
  "max_tokens",
  "content",
  "role",
  "type",
  "tools",
  "system",
  "metadata",
  "thinking",
  "temperature",
  "stop_sequences",
  "cache_control",
  "input",
  "store",
  "n",
  "service_tier",
  "stream_options",
  "response_format",
  "anthropic_version",
  "anthropic_beta",
  "user",
  "ключ",
  "鍵",
  "😀",
];

const SCALARS = [
  "null",
  "true",
  "false",
  "0",
  "-0",
  "-1",
  "1",
  "0.1",
  "1e2",
  "1e999",
  "-1e999",
  "1e-999",
  "9007199254740993",
  "123456789012345678901234567890",
  "2147483648",
  "1.7976931348623157e308",
  '""',
  '" "',
  '"x"',
  '"user"',
  '"assistant"',
  '"system"',
  '"text"',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\ud83d\\ude00"',
  '"\\u2028\\u2029"',
  '"\\/\\b\\f"',
  '"</script><script>"',
  '"\u202e\u200b\ufeff"',
  '"\u007f"',
  "[]",
  "{}",
  "[[]]",
  "[{}]",
  "[null]",
  '{"":null}',
  '{"__proto__":{"stream":true}}',
];

/** Texts that are no JSON value. */
const NO_VALUES = [
  "",
  "NaN",
  "Infinity",
  "undefined",
  "01",
  "+1",
  ".5",
  "1.",
  "0x10",
  "1e",
  "'x'",
  '"',
  '"\\x"',
  '"\\u12"',
  '"\t"',
  '"\n"',
  "//",
  "{",
  "]",
];

function parsed(value: unknown): Node {
  if (Array.isArray(value)) return { kind: "array", items: value.map(parsed) };
  if (typeof value !== "object" || value === null) return { kind: "text", text: JSON.stringify(value) };
  return { kind: "object", members: Object.entries(value).map(([key, each]) => [key, parsed(each)]) };
}

function written(node: Node, dice: Dice): string {
  if (node.kind === "text") return node.text;
  const gap = dice.chance(0.02) ? dice.pick([" ", "\n", "\t", "\r\n  "]) : "";
  if (node.kind === "array") return `[${node.items.map((item) => written(item, dice)).join(`,${gap}`)}]`;
  return `{${gap}${node.members.map(([key, value]) => `${keyText(key, dice)}:${gap}${written(value, dice)}`).join(",")}}`;
}

/** The same name may be spelled with escapes: a program that compares bytes takes it for another name. */
function keyText(key: string, dice: Dice): string {
  if (key === "" || !dice.chance(0.01)) return JSON.stringify(key);
  return `"${Array.from(key, (one) => (one.length === 1 ? `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}` : one)).join("")}"`;
}

function nodesOf(node: Node): Node[] {
  const inner = node.kind === "array" ? node.items : node.kind === "object" ? node.members.map(([, value]) => value) : [];
  return [node, ...inner.flatMap(nodesOf)];
}

const raw = (text: string): Node => ({ kind: "text", text });

function oddValue(dice: Dice): Node {
  const kind = dice.below(20);
  if (kind === 0) return raw(dice.pick(NO_VALUES));
  if (kind === 1) return raw(nested(dice));
  if (kind === 2) return raw(JSON.stringify(oddText(dice)));
  if (kind === 3)
    return raw(
      `[${Array(dice.pick([10, 1_000, 20_000]))
        .fill(dice.pick(["0", '""', "{}", "null", '{"role":"user"}']))
        .join(",")}]`,
    );
  return raw(dice.pick(SCALARS));
}

/** Depths up to far beyond what a recursive parser survives. */
function nested(dice: Dice): string {
  const depth = dice.pick([5, 100, 1_000, 10_000, 60_000]);
  const [open, close] = dice.pick([
    ["[", "]"],
    ['{"a":', "}"],
    ['[{"content":', "}]"],
    ['{"type":"object","properties":{"a":', "}}"],
  ] as const);
  return open.repeat(depth) + dice.pick(["1", "", '"x"', "null"]) + (dice.chance(0.8) ? close.repeat(depth) : "");
}

/** Text in many scripts, long runs, characters that change how others are read. */
export function oddText(dice: Dice): string {
  const piece = dice.pick([
    "a",
    "ab ",
    "é",
    "漢字",
    "😀",
    "\u200d",
    "\u0301",
    "\u202e",
    "\u0000",
    "\ud800",
    "\n",
    "\\",
    '"',
    "{",
    "[[",
    "data: ",
    "ﷺ",
    "𝕏",
  ]);
  return piece.repeat(dice.pick([1, 3, 100, 5_000]));
}

/** Changes the tree in place. */
function mutate(root: Node, dice: Dice): void {
  const nodes = nodesOf(root);
  const node = dice.pick(nodes);
  switch (dice.below(6)) {
    case 0:
      Object.assign(node, oddValue(dice));
      return;
    case 1: {
      const objects = nodes.filter((each) => each.kind === "object");
      if (objects.length > 0) dice.pick(objects).members.push([dice.pick(KEYS), oddValue(dice)]);
      return;
    }
    case 2: {
      // The same member twice, with another value or with its own.
      const objects = nodes.filter((each) => each.kind === "object" && each.members.length > 0);
      if (objects.length === 0) return;
      const { members } = dice.pick(objects) as Extract<Node, { kind: "object" }>;
      const [key, value] = dice.pick(members);
      members.splice(dice.below(members.length + 1), 0, [key, dice.chance(0.5) ? value : oddValue(dice)]);
      return;
    }
    case 3:
      if (node.kind === "object" && node.members.length > 0) node.members.splice(dice.below(node.members.length), 1);
      if (node.kind === "array" && node.items.length > 0) node.items.splice(dice.below(node.items.length), 1);
      return;
    case 4:
      if (node.kind === "array" && node.items.length > 0) node.items.push(...Array(dice.pick([1, 2, 50])).fill(dice.pick(node.items)));
      return;
    default:
      if (node.kind === "text" && node.text.startsWith('"')) node.text = JSON.stringify(oddText(dice));
  }
}

/** Bytes that are no UTF-8, or another encoding altogether. */
function reencoded(text: string, dice: Dice): Buffer {
  switch (dice.below(6)) {
    case 0:
      return Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)]);
    case 1:
      return Buffer.from(text, "utf16le");
    case 2:
      return Buffer.from(text, "latin1");
    case 3: {
      const bytes = Buffer.from(text);
      const wrong = dice.pick([[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]);
      const at = dice.below(bytes.length + 1);
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(wrong), bytes.subarray(at)]);
    }
    case 4: {
      const bytes = Buffer.from(text);
      for (let flips = dice.between(1, 8); flips > 0; flips--) bytes[dice.below(bytes.length)] = dice.below(256);
      return bytes;
    }
    default:
      return dice.bytes(dice.pick([1, 7, 500]));
  }
}

/** Makes a body from a good one. */
export function bodyFrom(good: unknown, dice: Dice): Buffer {
  const root = parsed(good);
  for (let count = dice.pick([0, 0, 1, 1, 1, 2, 3, 8]); count > 0; count--) mutate(root, dice);
  let text = written(root, dice);
  if (dice.chance(0.04)) text = text.slice(0, dice.below(text.length + 1));
  if (dice.chance(0.02)) text += dice.pick([" ", "\n\n", "x", "}", "{}", "\u0000", ",", text]);
  if (dice.chance(0.02)) text = dice.pick(["", " ", "null", "[]", "{}", '"model"', "1", "true", nested(dice), "data: {}"]);
  return dice.chance(0.08) ? reencoded(text, dice) : Buffer.from(text);
}
