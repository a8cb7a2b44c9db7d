/** What a request asks for, without a URL object: one throws where the client wrote an address that is none. */

/** The path of a request's address, without its query: `http://gw:8080/v1/models?limit=2` → `/v1/models`. */
export function pathOf(url: string): string {
  const start = startOfTarget(url);
  const end = url.slice(start).search(/[?#]/);
  return (end === -1 ? url.slice(start) : url.slice(start, start + end)) || "/";
}

/** The query, with its question mark; "" where there is none. */
export function queryOf(url: string): string {
  return /\?[^#]*/.exec(url.slice(startOfTarget(url)))?.[0] ?? "";
}

function startOfTarget(url: string): number {
  const scheme = /^https?:\/\//i.exec(url)?.[0].length;
  if (scheme === undefined) return 0;
  const authority = url.slice(scheme).search(/[/?#\\]/);
  return authority === -1 ? url.length : scheme + authority;
}

/** Without doubled and trailing slashes, which base URLs, SDKs and people put together wrongly now and then. */
export function normalisePath(path: string): string {
  const single = path.replaceAll(/\/{2,}/g, "/");
  return single.length > 1 && single.endsWith("/") ? single.slice(0, -1) : single;
}
