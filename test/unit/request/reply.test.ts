import { expect, test } from "bun:test";
import { GatewayError } from "../../../src/contract/errors.ts";
import { ReplyHeaders } from "../../../src/contract/http.ts";
import { openai } from "../../../src/dialects/openai/openai.ts";
import { errorReply } from "../../../src/request/reply.ts";

test.each([
  [0, "1", "1"],
  [1, "1", "1"],
  [1000, "1000", "1"],
  [1001, "1001", "2"],
  [58_999, "58999", "59"],
  [60_100, "59000", "59"],
])("an error with a wait of %p ms has the headers %p ms and %p s", (retryAfterMs, inMs, inSeconds) => {
  const error = new GatewayError("rate_limited_requests", { message: "too many", retryAfterMs });
  const { status, headers } = errorReply(openai, error, "req_1", new ReplyHeaders());
  expect(status).toBe(429);
  expect(Object.fromEntries(headers)).toMatchObject({ "retry-after-ms": inMs, "retry-after": inSeconds });
});
