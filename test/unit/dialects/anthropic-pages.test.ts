import { expect, test } from "bun:test";
import { GatewayError } from "../../../src/contract/errors.ts";
import { pageOf } from "../../../src/dialects/anthropic/pages.ts";

const entries = Array.from({ length: 45 }, (_, index) => ({ id: `m${index}`, created: 0 }));

function page(query: string) {
  const { page: found, hasMore } = pageOf(entries, new URLSearchParams(query));
  return [found.at(0)?.id, found.at(-1)?.id, found.length, hasMore];
}

test.each([
  ["", ["m0", "m19", 20, true]],
  ["limit=1000", ["m0", "m44", 45, false]],
  ["limit=1", ["m0", "m0", 1, true]],
  ["limit=45", ["m0", "m44", 45, false]],
  ["after_id=m19", ["m20", "m39", 20, true]],
  ["after_id=m24", ["m25", "m44", 20, false]],
  ["after_id=m44", [undefined, undefined, 0, false]],
  ["before_id=m25&limit=5", ["m20", "m24", 5, true]],
  ["before_id=m5&limit=5", ["m0", "m4", 5, false]],
  ["before_id=m3&limit=5", ["m0", "m2", 3, false]],
  ["before_id=m0", [undefined, undefined, 0, false]],
])("the page ?%s", (query, expected) => {
  expect(page(query)).toEqual(expected);
});

test.each([
  ["limit=0", "limit"],
  ["limit=1001", "limit"],
  ["limit=-1", "limit"],
  ["limit=1.5", "limit"],
  ["limit=", "limit"],
  ["limit=99999999999", "limit"],
  ["after_id=nobody", "after_id"],
  ["before_id=", "before_id"],
  ["before_id=m1&after_id=m2", "before_id"],
])("?%s is refused by name", (query, param) => {
  try {
    page(query);
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown;
    expect([thrown.kind, thrown.detail.param]).toEqual(["invalid_request", param]);
    return;
  }
  throw new Error("it was accepted");
});

test("whoever follows the pages, in either direction, sees every model once", () => {
  for (const limit of [1, 7, 20, 44, 45, 46]) {
    const forward: string[] = [];
    for (let query = `limit=${limit}`; ; query = `limit=${limit}&after_id=${forward.at(-1)}`) {
      const { page: found, hasMore } = pageOf(entries, new URLSearchParams(query));
      forward.push(...found.map(({ id }) => id));
      if (!hasMore) break;
    }
    expect(forward).toEqual(entries.map(({ id }) => id));
    const backward: string[] = ["m44"];
    for (;;) {
      const { page: found, hasMore } = pageOf(entries, new URLSearchParams(`limit=${limit}&before_id=${backward[0]}`));
      backward.unshift(...found.map(({ id }) => id));
      if (!hasMore) break;
    }
    expect(backward).toEqual(entries.map(({ id }) => id));
  }
});
