/** Who may ask. */
import { describe, expect } from "bun:test";
import { DIALECTS, type Spoken } from "./dialects.ts";
import { EXPIRED_KEY, expectFailure, KEY, type World } from "./world.ts";

const GIGABYTE = 1024 ** 3;
/** Far more than a refusal takes on a busy machine. A gateway that waits for the body waits for ever: the body does not come. */
const AT_ONCE_MS = 5_000;

export function specifyKeys(world: World): void {
  for (const dialect of DIALECTS) describe(dialect.name, () => specifyDialect(world, dialect));
}

function specifyDialect(world: World, dialect: Spoken): void {
  const body = JSON.stringify(dialect.body("who am I?"));
  const ask = (headers: Record<string, string>) => world.call({ path: dialect.path, headers, body }).answered;

  world.sentence("a key is taken from each of the three headers, and beside a placeholder in another", async () => {
    const forms: Record<string, string>[] = [
      { authorization: `Bearer ${KEY}` },
      { authorization: `bearer ${KEY}` },
      { "x-api-key": KEY },
      { "api-key": KEY },
      { authorization: `Bearer ${KEY}`, "x-api-key": "placeholder" },
      { authorization: "Bearer placeholder", "x-api-key": KEY },
      { "x-api-key": "placeholder", "api-key": KEY },
      { "x-api-key": KEY, "api-key": "placeholder" },
      { authorization: "Bearer weir_placeholder", "x-api-key": "weir_another_placeholder", "api-key": KEY },
      { authorization: `Bearer ${EXPIRED_KEY}`, "x-api-key": KEY },
    ];
    for (const headers of forms) expect([headers, (await ask(headers)).status]).toEqual([headers, 200]);
  });

  world.sentence("a missing, an unknown and an expired key are a 401 that says what is wrong, and never repeats the key", async () => {
    expect(expectFailure(dialect, await ask({}), "unauthenticated").message).toMatch(/Authorization: Bearer/);
    for (const key of [
      "weir_nobody_knows_this_one",
      EXPIRED_KEY,
      "sk-ant-api03-of-somebody-else",
      `${KEY}x`,
      KEY.slice(0, -1),
      KEY.toUpperCase(),
    ]) {
      for (const headers of [{ authorization: `Bearer ${key}` }, { "x-api-key": key }]) {
        const { message } = expectFailure(dialect, await ask(headers), "unauthenticated");
        expect(message).not.toContain(key);
      }
    }
    expect(expectFailure(dialect, await ask({ "x-api-key": EXPIRED_KEY }), "unauthenticated").message).toContain("expired");
    const beside = { authorization: "Bearer placeholder", "api-key": EXPIRED_KEY };
    expect(expectFailure(dialect, await ask(beside), "unauthenticated").message).toContain("expired");
    expectFailure(dialect, await ask({ authorization: `Basic ${KEY}` }), "unauthenticated");
    expectFailure(dialect, await ask({ authorization: "Bearer " }), "unauthenticated");
  });

  world.sentence("the key is checked before the body is read", async () => {
    const call = world.call({ path: dialect.path, headers: { "x-api-key": "weir_unknown" }, declaredLength: GIGABYTE });
    const answered = await call.answered;
    expectFailure(dialect, answered, "unauthenticated");
    expect(answered.headMs).toBeLessThan(AT_ONCE_MS);
  });

  world.sentence("a body that declares itself too large is refused before it is read", async () => {
    const call = world.call({ path: dialect.path, headers: { "x-api-key": KEY }, declaredLength: GIGABYTE });
    const answered = await call.answered;
    expectFailure(dialect, answered, "too_large");
    expect(answered.headMs).toBeLessThan(AT_ONCE_MS);
  });

  world.sentence("what was refused never reached an upstream", async () => {
    const { opened } = world.sandbox.calls.counts;
    await ask({ "x-api-key": "weir_unknown" });
    await world.ask(dialect, { body: "{}" });
    await world.ask(dialect, { more: { model: "nobody" } });
    expect(world.sandbox.calls.counts.opened).toBe(opened);
  });
}
