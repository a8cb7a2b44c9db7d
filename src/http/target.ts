/** The target of a request (path and query), without a URL object: `URL` throws where a client wrote something that is not an address. */

/** The path of a request's address, without its query: `http://gw:8080/v1/models?limit=2` → `/v1/models`. */
export function pathOf(url: string): string {
  const start = startOfTarget(url);
  const end = url.slice(start).search(/[?#]/);
  return (end === -1 ? url.slice(start) : url.slice(start, start + end)) || "/";
}

/** The query, with its question mark; "" without a query. */
export function queryOf(url: string): string {
  return /\?[^#]*/.exec(url.slice(startOfTarget(url)))?.[0] ?? "";
}

function startOfTarget(url: string): number {
  const scheme = /^https?:\/\//i.exec(url)?.[0].length;
  if (scheme === undefined) return 0;
  const authority = url.slice(scheme).search(/[/?#\\]/);
  return authority === -1 ? url.length : scheme + authority;
}

/** The path without doubled and trailing slashes, which appear when a base URL and a path are joined wrongly. */
export function normalisePath(path: string): string {
  const single = path.replaceAll(/\/{2,}/g, "/");
  return single.length > 1 && single.endsWith("/") ? single.slice(0, -1) : single;
}
