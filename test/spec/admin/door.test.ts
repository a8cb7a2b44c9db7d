import { expect, mock, test } from "bun:test";
import * as crypto from "node:crypto";
import { AdminRefusal } from "../../../src/admin/refusal.ts";

const TOKEN = "the-admin-token-of-this-test";

test("every token that is sent is compared in one step of constant time, whatever its length and wherever it differs", async () => {
  const compared: [number, number][] = [];
  const { timingSafeEqual } = crypto;
  // The wrapper does what the original does: other files of this process may go on using it.
  mock.module("node:crypto", () => ({
    ...crypto,
    timingSafeEqual: (one: Buffer, other: Buffer) => {
      compared.push([one.length, other.length]);
      return timingSafeEqual(one, other);
    },
  }));
  const { Door } = await import("../../../src/admin/door.ts");
  const door = new Door(TOKEN, undefined);
  const sent = ["x", TOKEN.slice(1), `${TOKEN}x`, `x${TOKEN.slice(1)}`, `${TOKEN.slice(0, -1)}x`, "y".repeat(10_000), TOKEN];
  const refused = sent.filter((token) => {
    try {
      door.pass(new Headers({ authorization: `Bearer ${token}` }), "");
      return false;
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(AdminRefusal);
      return true;
    }
  });
  expect(refused).toEqual(sent.slice(0, -1));
  expect(compared).toEqual(sent.map(() => [32, 32]));
});
