/** What a client probably meant by a path without a route. There are few ways to put a base URL together wrongly, and the path shows which one it was. */
import { namesModel, type Route } from "../contract/dialect.ts";

export interface Paths {
  /** The path before the region: `/name`; routes without a region are below `/api/name`. */
  prefix: string;
  routes: readonly Route[];
  /** Paths of the protocol below `/v1/` that Weir does not serve, each with a message. */
  unserved: Readonly<Record<string, string>>;
  /** Paths of a vendor's own client for the same protocol; `tail`: the part that follows `/v1/` in Weir's paths. */
  foreign?: { pattern: RegExp; text: string };
  /** The base URL for client libraries. */
  baseUrl: string;
}

/** The parts of a path; `tail`: the part below `/v1/`. */
interface Parts {
  prefix: string | undefined;
  regional: boolean;
  region: string | undefined;
  versions: number;
  tail: string;
}

export function owns(paths: Paths, path: string): boolean {
  const parts = takeApart(paths, path);
  return (
    parts.prefix !== undefined || paths.routes.some((route) => namesModel(route.operation) && tailPattern(route.path).test(parts.tail))
  );
}

export function misroute(paths: Paths, path: string): string | undefined {
  return foreignRoute(paths, path) ?? ownRoute(paths, path);
}

function foreignRoute({ foreign, prefix, baseUrl }: Paths, path: string): string | undefined {
  const found = foreign?.pattern.exec(path)?.groups;
  if (foreign === undefined || found === undefined) return undefined;
  return `${foreign.text}: did you mean ${`${prefix}/${found.region ?? "{region}"}/v1/${found.tail}`.slice(0, 200)}? ${baseUrl}`;
}

function ownRoute(paths: Paths, path: string): string | undefined {
  const { prefix, regional, region, versions, tail } = takeApart(paths, path);
  const unserved = Object.hasOwn(paths.unserved, tail) ? paths.unserved[tail] : undefined;
  if (unserved !== undefined) return unserved;
  if (!isKnown(paths, tail)) return undefined;
  const mistakes = [
    prefix === undefined ? `${paths.prefix} is missing` : "",
    regional && prefix !== undefined && prefix !== paths.prefix ? `${prefix} should be ${paths.prefix}` : "",
    regional && region === undefined ? "the region is missing" : "",
    versions === 0 ? "/v1 is missing" : versions > 1 ? "/v1 is there more than once" : "",
  ].filter((mistake) => mistake !== "");
  if (mistakes.length === 0) return undefined;
  const meant = `${regional ? paths.prefix : prefix}${regional ? `/${region ?? "{region}"}` : ""}/v1/${tail}`;
  const sentence = mistakes.join(", ");
  return `${sentence[0]?.toUpperCase()}${sentence.slice(1)}: did you mean ${meant.slice(0, 200)}? ${paths.baseUrl}`;
}

function takeApart(paths: Paths, path: string): Parts {
  const plain = `/api${paths.prefix}`;
  const prefix = [plain, paths.prefix].find((candidate) => path === candidate || path.startsWith(`${candidate}/`));
  const regional = prefix !== plain || !paths.routes.some((route) => route.path.startsWith(`${plain}/`));
  const rest = path
    .slice(prefix?.length ?? 0)
    .split("/")
    .filter((part) => part !== "");
  let region: string | undefined;
  if (prefix !== undefined && regional && rest[0] !== "v1" && !isKnown(paths, rest.join("/"))) region = rest.shift();
  const after = rest.findIndex((part) => part !== "v1");
  const versions = after < 0 ? rest.length : after;
  return { prefix, regional, region, versions, tail: rest.slice(versions).join("/") };
}

function isKnown({ routes, unserved }: Paths, tail: string): boolean {
  return Object.hasOwn(unserved, tail) || routes.some(({ path }) => tailPattern(path).test(tail));
}

function tailPattern(path: string): RegExp {
  return new RegExp(`^${path.slice(path.indexOf("/v1/") + 4).replaceAll(/:\w+/g, "[^/]+")}$`);
}
