import { LARGEST_PAGE, pageFrom, pageLimit } from "../contract/paging.ts";
import { AdminRefusal } from "./refusal.ts";

/** The most entries on a page, where the client asks for no number. */
export const USUAL_LIMIT = 100;
/** No name and no id is longer. */
const LONGEST_CURSOR = 128;

interface Page<Entry> {
  data: readonly Entry[];
  has_more: boolean;
  /** Goes into `after_id` for the next page. */
  last_id: string | null;
}

/**
 * One page of a list, in the order of its ids: so a cursor stays valid where its entry has gone meanwhile.
 * @throws AdminRefusal `invalid`
 */
export function page<Entry>(entries: Iterable<Entry>, idOf: (entry: Entry) => string, query: URLSearchParams): Page<Entry> {
  const limit = pageLimit(query, USUAL_LIMIT);
  if (limit === undefined) throw new AdminRefusal("invalid", `limit: expected a whole number from 1 to ${LARGEST_PAGE}`);
  const after = readCursor(query.get("after_id"));
  const rest = [...entries].filter((entry) => after === undefined || idOf(entry) > after);
  rest.sort((one, other) => (idOf(one) < idOf(other) ? -1 : 1));
  const { page: data, hasMore } = pageFrom(rest, 0, limit);
  const last = data.at(-1);
  return { data, has_more: hasMore, last_id: last === undefined ? null : idOf(last) };
}

function readCursor(text: string | null): string | undefined {
  if (text === null) return undefined;
  if (text.length <= LONGEST_CURSOR && /^[A-Za-z0-9][A-Za-z0-9._:@/-]*$/.test(text)) return text;
  throw new AdminRefusal("invalid", "after_id: expected the last_id of the page before");
}
