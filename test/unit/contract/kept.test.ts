/** The seal on the ids of kept answers: it is valid for one workspace and place, and cannot be made without the secret. */
import { describe, expect, test } from "bun:test";
import { bareId, isSealedBy, type Keeping, modelMark, sealedId, unsealed } from "../../../src/contract/kept.ts";

const KEEPING: Keeping = { place: "https://acme.test", secrets: ["a secret of twenty letters"] };
const ID = "resp_68af4030baa48193b0b43b4c2a176a1a0e6967589f080e77";
const given = sealedId(KEEPING, "acme", "gpt-4o", ID);
const holds = (keeping: Keeping, workspace: string, id: string) => {
  const sealed = unsealed(id);
  return sealed !== undefined && isSealedBy(keeping, workspace, sealed);
};

describe("an id that was given", () => {
  test("is the upstream's with 33 characters after it, and the same each time", () => {
    expect(given).toMatch(new RegExp(`^${ID}w[0-9a-f]{32}$`));
    expect(sealedId(KEEPING, "acme", "gpt-4o", ID)).toBe(given);
    expect(bareId(given)).toBe(ID);
    expect(unsealed(given)?.mark).toBe(modelMark("gpt-4o"));
  });

  test("is valid only for its workspace and place", () => {
    expect(holds(KEEPING, "acme", given)).toBe(true);
    expect(holds(KEEPING, "rival", given)).toBe(false);
    expect(holds({ ...KEEPING, place: "https://other.test" }, "acme", given)).toBe(false);
    expect(holds({ ...KEEPING, secrets: ["another secret of twenty"] }, "acme", given)).toBe(false);
  });

  test("stays valid after a change of the secret, as long as the earlier one is known", () => {
    const renewed: Keeping = { ...KEEPING, secrets: ["another secret of twenty", ...KEEPING.secrets] };
    expect(holds(renewed, "acme", given)).toBe(true);
    expect(sealedId(renewed, "acme", "gpt-4o", ID)).not.toBe(given);
  });

  test("is not valid with one character changed, at any place", () => {
    for (let at = 0; at < given.length; at++) {
      const changed = given.slice(0, at) + (given[at] === "a" ? "b" : "a") + given.slice(at + 1);
      expect([at, holds(KEEPING, "acme", changed)]).toEqual([at, false]);
    }
  });
});

test("a text that is no id, or has no seal, is not valid and stays as it is", () => {
  for (const id of [
    "",
    ID,
    "compact",
    `${ID}w${"0".repeat(31)}`,
    `../x${given}`,
    `${given}\n`,
    `${given}?stream=true`,
    "é".repeat(60),
    "w".repeat(500),
  ]) {
    expect([id, holds(KEEPING, "acme", id)]).toEqual([id, false]);
    expect(bareId(id)).toBe(id);
  }
  for (const odd of ["", "a/b", "a b", "x".repeat(300)]) expect(sealedId(KEEPING, "acme", "m", odd)).toBe(odd);
});
