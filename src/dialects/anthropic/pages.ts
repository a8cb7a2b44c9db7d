/** Anthropic's paging of lists: `limit`, and the id after or before which a page begins. Source: the pager of @anthropic-ai/sdk 1.12, and the vendor's reference. */
import type { ModelEntry } from "../../contract/dialect.ts";
import { refusal } from "../problem.ts";

const DEFAULT_LIMIT = 20;
const LARGEST_LIMIT = 1000;

/**
 * One page. `hasMore`: whether entries follow the page, or (with `before_id`) come before it.
 * @throws GatewayError `invalid_request` for a limit out of range, an id that is not in the list, and both ids at once.
 */
export function pageOf(entries: readonly ModelEntry[], query: URLSearchParams): { page: readonly ModelEntry[]; hasMore: boolean } {
  const limit = readLimit(query.get("limit"));
  const after = query.get("after_id");
  const before = query.get("before_id");
  if (after !== null && before !== null) throw refusal("invalid_request", "before_id", "cannot be sent together with after_id");
  if (before !== null) {
    const end = indexOf(entries, "before_id", before);
    const start = Math.max(0, end - limit);
    return { page: entries.slice(start, end), hasMore: start > 0 };
  }
  const start = after === null ? 0 : indexOf(entries, "after_id", after) + 1;
  return { page: entries.slice(start, start + limit), hasMore: start + limit < entries.length };
}

function readLimit(text: string | null): number {
  if (text === null) return DEFAULT_LIMIT;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= LARGEST_LIMIT) return limit;
  throw refusal("invalid_request", "limit", `must be an integer from 1 to ${LARGEST_LIMIT}`);
}

function indexOf(entries: readonly ModelEntry[], name: string, id: string): number {
  const index = entries.findIndex((entry) => entry.id === id);
  if (index < 0) throw refusal("invalid_request", name, "must be the id of a model of this list");
  return index;
}
