/** Anthropic's paging of lists: `limit`, and the id after or before which a page begins. Source: the pager of @anthropic-ai/sdk 1.12, and the vendor's reference. */
import type { ModelEntry } from "../../contract/dialect.ts";
import { LARGEST_PAGE, type Page, pageBefore, pageFrom, pageLimit } from "../../contract/paging.ts";
import { refusal } from "../body.ts";

const DEFAULT_LIMIT = 20;

/**
 * One page. `hasMore`: whether entries follow the page, or (with `before_id`) come before it.
 * @throws GatewayError `invalid_request` for a limit out of range, an id that is not in the list, and both ids at once.
 */
export function pageOf(entries: readonly ModelEntry[], query: URLSearchParams): Page<ModelEntry> {
  const limit = pageLimit(query, DEFAULT_LIMIT);
  if (limit === undefined) throw refusal("invalid_request", "limit", `must be an integer from 1 to ${LARGEST_PAGE}`);
  const after = query.get("after_id");
  const before = query.get("before_id");
  if (after !== null && before !== null) throw refusal("invalid_request", "before_id", "cannot be sent together with after_id");
  if (before !== null) return pageBefore(entries, indexOf(entries, "before_id", before), limit);
  return pageFrom(entries, after === null ? 0 : indexOf(entries, "after_id", after) + 1, limit);
}

function indexOf(entries: readonly ModelEntry[], name: string, id: string): number {
  const index = entries.findIndex((entry) => entry.id === id);
  if (index < 0) throw refusal("invalid_request", name, "must be the id of a model of this list");
  return index;
}
