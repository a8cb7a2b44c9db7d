/** The first lines of a request: methods, addresses and headers that are right, odd, or none at all. */
import type { Dice } from "./dice.ts";
import { oddText } from "./texts.ts";

/** Which of a request's lines is broken as HTTP; such a request may be answered by the runtime with a bare 4xx, or not at all. */
export interface Line<T> {
  value: T;
  isSound: boolean;
}

const sound = <T>(value: T): Line<T> => ({ value, isSound: true });
const broken = <T>(value: T): Line<T> => ({ value, isSound: false });

export function methodOf(good: string, dice: Dice): Line<string> {
  if (!dice.chance(0.05)) return sound(good);
  if (dice.chance(0.7)) return sound(dice.pick(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"]));
  return broken(dice.pick(["get", "BREW", "TRACE", "CONNECT", "PRI", "", "G ET", "GET\u0000", "POST\t", "é", "M".repeat(5_000)]));
}

export function targetOf(good: string, dice: Dice): Line<string> {
  if (!dice.chance(0.25)) return sound(good);
  const parts = good.split("/");
  const at = dice.between(1, parts.length - 1);
  const replaced = (part: string) => parts.with(at, part).join("/");
  switch (dice.below(16)) {
    case 0:
      return sound(
        `${good}?${dice.pick(["beta=true", "", "a=b&a=c", "x=%", "limit=1e9", `q=${"x".repeat(3_000)}`, "limit=-1&after_id=%00", "?", "a[]=1"])}`,
      );
    case 1:
      return sound(good.replaceAll("/", dice.pick(["//", "///"])));
    case 2:
      return sound(`${good}${dice.pick(["/", "//", "/x", "/v1", ";a=b", ".json", "/..", "/%2e%2e/x", "%2F"])}`);
    case 3:
      return sound(
        replaced(
          dice.pick([
            "v1",
            "v2",
            "eu-west-1",
            "EU",
            "e%75",
            "%65%75",
            "..",
            ".",
            "%2e",
            "%00",
            "%",
            "%zz",
            "%c0%af",
            "%e2%82",
            "%ff",
            "undefined",
            "{region}",
            ":region",
            "*",
            "__proto__",
            "constructor",
          ]),
        ),
      );
    case 4:
      return sound(replaced(encodeURIComponent(oddText(dice).toWellFormed()).slice(0, dice.pick([20, 2_000]))));
    case 5:
      return sound(parts.toSpliced(at, 1).join("/") || "/");
    case 6:
      return sound(parts.toSpliced(at, 0, dice.pick(["v1", "api", "public", "openai", "anthropic", "eu"])).join("/"));
    case 7:
      return sound(
        `/${Array(dice.pick([1, 5, 9, 10, 30, 300]))
          .fill(dice.pick(["a", "", "v1", "%41"]))
          .join("/")}`,
      );
    case 8:
      return sound(good.toUpperCase());
    case 9:
      return sound(`/${"x".repeat(dice.pick([100, 4_000, 7_000]))}`);
    // From here on it is no origin form of visible ASCII, or longer than servers take.
    case 10:
      return broken(`http://weir.test${good}`);
    case 11:
      return broken(replaced(dice.pick(["é", "a b", "\u0000", "\t", "\u007f", "😀", "<script>", '"', "\\..\\", "#x", "|"])));
    case 12:
      return broken(dice.pick(["", "*", "weir.test:443", "x", "//weir.test/healthz", "?", "#", "..", "\\healthz"]));
    case 13:
      return broken(`/${"x".repeat(dice.pick([17_000, 70_000]))}`);
    case 14:
      return broken(`${good} HTTP/1.1 x`);
    default:
      return broken(`${good}${dice.pick(["#fragment", "?a b", "?\u0000", "?é", "?<>"])}`);
  }
}

/** Pairs and not a map: a name may appear twice. */
export type Fields = [name: string, value: string][];

const ODD_VALUES = [
  "",
  " ",
  "0",
  "-1",
  "1e9",
  "999999999999999999999",
  "NaN",
  "null",
  "a,b",
  "a;b=c",
  "é",
  "\u0001",
  "\t",
  '"',
  "{}",
  "x".repeat(5_000),
  "../../etc/passwd",
  "$PATH",
  "%0d%0a",
  "*",
  "true",
];

/** Names that the gateway, a runtime or a proxy reads. */
const NAMES = [
  "accept",
  "accept-encoding",
  "anthropic-beta",
  "anthropic-version",
  "authorization",
  "content-type",
  "cookie",
  "expect",
  "forwarded",
  "http2-settings",
  "if-none-match",
  "max-forwards",
  "openai-organization",
  "origin",
  "proxy-authorization",
  "range",
  "session-id",
  "te",
  "trailer",
  "traceparent",
  "upgrade",
  "user-agent",
  "via",
  "x-amzn-bedrock-guardrailidentifier",
  "x-api-key",
  "x-claude-code-session-id",
  "x-forwarded-for",
  "x-http-method-override",
  "x-request-id",
  "x-session-affinity",
  "x-stainless-retry-count",
  "x-stainless-timeout",
  "x-weir-attempts",
  "x-weir-timeout",
];

/** Fields that change the body's length or the protocol of the connection are in `framing.ts`. */
const FRAMING = new Set(["expect", "upgrade", "te", "http2-settings"]);

/** With more fields, a server refuses before it looks for a route. */
const MOST_FIELDS = 95;
const MOST_BYTES = 15_000;

/** Changes the fields in place. @returns false where they are not good HTTP any more */
export function mutateFields(fields: Fields, keys: readonly string[], dice: Dice): boolean {
  let isSound = true;
  for (let count = dice.pick([0, 0, 0, 1, 1, 2, 4]); count > 0; count--) {
    switch (dice.below(12)) {
      case 0:
        fields.push(
          dice.pick([
            ["authorization", `Bearer ${dice.pick(keys)}`],
            ["x-api-key", dice.pick(keys)],
            ["api-key", dice.pick(keys)],
          ] as const) as [string, string],
        );
        break;
      case 1: {
        const at = fields.findIndex(([name]) => name === "authorization" || name === "x-api-key");
        if (at >= 0) fields.splice(at, 1);
        break;
      }
      case 2:
        fields.unshift([
          "authorization",
          dice.pick([
            "",
            "Bearer",
            "Bearer ",
            "bearer  x",
            "Basic eDp5",
            `Bearer weir_${"x".repeat(dice.pick([1, 40, 4_000]))}`,
            "Bearer weir_é",
            ...ODD_VALUES,
          ]),
        ]);
        isSound &&= !/[^\t\x20-\x7e\x80-\xff]/.test(fields[0]?.[1] ?? "");
        break;
      case 3:
        for (let nth = dice.pick([10, 50, 90]); nth > 0; nth--) fields.push([`x-many-${nth}`, "1"]);
        break;
      case 4:
        // More, or longer, than servers take.
        for (let nth = dice.pick([500, 1]); nth > 0; nth--) fields.push([`x-too-${nth}`, "x".repeat(nth === 1 ? 100_000 : 100)]);
        isSound = false;
        break;
      case 5: {
        const broken = dice.pick([
          ["x y", "1"],
          ["", "1"],
          ["x\u0000", "1"],
          ["x", "a\u0000b"],
          ["x", "a\rb"],
          ["x", "a\nb"],
          ["x", "a\r\n folded"],
          ["x ", "1"],
          ["(x)", "1"],
          ["é", "1"],
        ] as const);
        fields.splice(dice.below(fields.length + 1), 0, [...broken]);
        isSound = false;
        break;
      }
      case 6:
        fields.splice(dice.below(fields.length + 1), 0, ["host", dice.pick(["other.test", "", "a b", "[", "127.0.0.1:1", "weir.test"])]);
        isSound = false;
        break;
      case 7: {
        const at = fields.findIndex(([name]) => name === "content-type");
        if (at >= 0)
          fields.splice(at, 1, [
            "content-type",
            dice.pick([
              "text/plain",
              "application/json; charset=utf-16",
              "multipart/form-data",
              "application/x-www-form-urlencoded",
              "",
              "x",
              "application/JSON",
            ]),
          ]);
        break;
      }
      default: {
        const name = dice.pick(NAMES);
        const value = dice.pick(ODD_VALUES);
        fields.push([dice.chance(0.2) ? name.toUpperCase() : name, value]);
        isSound &&= !FRAMING.has(name) && value !== "\u0001";
      }
    }
  }
  const bytes = fields.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  return isSound && fields.length < MOST_FIELDS && bytes < MOST_BYTES;
}
