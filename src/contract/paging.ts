/** Pages of a list, for every API with a `limit` and a place where a page begins. Each API has its own words for a refusal. */

/** The most that a page may be asked for. */
export const LARGEST_PAGE = 1000;

/** `limit` of a query, `usual` where it is left out; undefined where it is no whole number from 1 to `LARGEST_PAGE`. */
export function pageLimit(query: URLSearchParams, usual: number): number | undefined {
  const text = query.get("limit");
  if (text === null) return usual;
  const limit = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  return limit >= 1 && limit <= LARGEST_PAGE ? limit : undefined;
}

export interface Page<Entry> {
  page: readonly Entry[];
  /** More entries follow in the direction in which the client reads. */
  hasMore: boolean;
}

/** The page that begins at a place in the list. */
export function pageFrom<Entry>(entries: readonly Entry[], start: number, limit: number): Page<Entry> {
  return { page: entries.slice(start, start + limit), hasMore: start + limit < entries.length };
}

/** The page that ends before a place in the list. */
export function pageBefore<Entry>(entries: readonly Entry[], end: number, limit: number): Page<Entry> {
  const start = Math.max(0, end - limit);
  return { page: entries.slice(start, end), hasMore: start > 0 };
}
