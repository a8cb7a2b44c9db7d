import { expect, test } from "bun:test";
import { FetchedSecrets, shownId, withoutSecrets } from "../../../../workers/providers/secrets.ts";

const SECRET = 'sécret/"quoted"+0123456789abcdef';
const hide = (message: string) => withoutSecrets([SECRET], { message }).message;

test("a secret is hidden however it is written", () => {
  expect(hide(`key ${SECRET}!`)).toBe("key ***!");
  expect(hide(`key ${JSON.stringify(SECRET)}`)).toBe('key "***"');
  expect(hide(`/?key=${encodeURIComponent(SECRET)}&b`)).toBe("/?key=***&b");
  for (const before of ["", "a", "ab", "abc", "user:"]) {
    const encoded = Buffer.from(`${before}${SECRET}-after`).toString("base64");
    const shown = hide(`Basic ${encoded}`);
    expect(shown).toContain("***");
    for (const part of encoded.slice(8, -12).match(/.{8}/g) ?? []) expect(shown).not.toContain(part);
  }
});

test("a secret that was cut together with its text is hidden too, if enough of it is left to recognise it", () => {
  for (let length = 8; length < SECRET.length; length++) {
    expect(hide(`key ${SECRET.slice(0, length)}`)).toBe("key ***");
    expect(hide(`key ${SECRET.slice(0, length)}…; check it`)).toBe("key ***…; check it");
  }
  expect(hide(`key ${SECRET.slice(0, 7)}`)).toBe(`key ${SECRET.slice(0, 7)}`);
});

test("an error object without a secret keeps every byte", () => {
  const odd = '{ "big":12345678901234567890, "text":"caf\\u00e9" }';
  expect(withoutSecrets([SECRET], { message: "", body: odd }).body).toBe(odd);
  const plain = "plain-0123456789";
  const escaped = `{"a":["${Array.from(plain, (one) => `\\u00${one.charCodeAt(0).toString(16)}`).join("")}"],"${plain}":1}`;
  expect(withoutSecrets([plain], { message: "", body: escaped }).body).toBe('{"a":["***"],"***":1}');
});

test("values other than text stay as they are, and short secrets hide nothing", () => {
  expect(withoutSecrets(["short"], { message: "short", status: 409, retryAfterMs: 5 })).toEqual({
    message: "short",
    status: 409,
    retryAfterMs: 5,
  });
  expect(withoutSecrets([], { message: "m" })).toEqual({ message: "m" });
});

test("an id is shown only in the form of an id, and never with a secret in it", () => {
  for (const id of ["7f1b2c3d-0a1b-4c5d-8e9f-001122334455", "req_01.a:b", "a".repeat(128)]) expect(shownId(id, [SECRET])).toBe(id);
  for (const id of ["a b", 'a"', "a\n", "a".repeat(129), "<x>", ""]) expect(shownId(id, [])).toBe("");
  expect(shownId("id-plain-0123456789", ["plain-0123456789"])).toBe("");
});

test("credentials that were replaced stay hidden while calls with them may be under way", () => {
  const fetched = new FetchedSecrets();
  fetched.replace(["one", undefined]);
  fetched.replace(["two"]);
  expect(fetched.secrets).toEqual(["two", "one"]);
  fetched.replace(["three"]);
  expect(fetched.secrets).toEqual(["three", "two"]);
});
