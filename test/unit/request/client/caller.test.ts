import { expect, test } from "bun:test";
import { sessionHash } from "../../../../src/request/client/caller.ts";

test("a conversation is named by the first session header that is there", () => {
  const session = (headers: Record<string, string>) => sessionHash(new Headers(headers));
  expect(session({})).toBe(0);
  expect(session({ "x-claude-code-session-id": "s", "session-id": "t" })).toBe(session({ "x-session-affinity": "s" }));
  expect(session({ "thread-id": "t" })).not.toBe(session({ "thread-id": "u" }));
});
