/** How the tests of the dialects look at what a check refuses. */
import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../../src/contract/errors.ts";

/** The error that `act` throws; fails where it throws none. */
export function refusalOf(act: () => unknown): GatewayError {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown;
    throw thrown;
  }
  throw new Error("the request was accepted");
}

/** A test for each wrong body: its message is as expected, names the field and repeats no prompt. */
export function refusesByName(mistakes: readonly [body: unknown, message: string][], check: (body: unknown) => unknown): void {
  describe("a request that is wrong is refused with a message that names the field", () => {
    test.each(mistakes)("%j: %s", (body, message) => {
      const error = refusalOf(() => check(body));
      expect(error.detail.message).toBe(message);
      expect(error.kind).toBe("invalid_request");
      expect(message.startsWith(`${error.detail.param}: `)).toBe(true);
      expect(error.detail.message).not.toContain("secret");
    });
  });
}
