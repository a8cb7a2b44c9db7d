import { expect, test } from "bun:test";
import { GatewayError, RETRY_AFTER_MS } from "../../../../src/contract/errors.ts";
import { Room } from "../../../../src/request/load/room.ts";

function refusalOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown;
    expect(thrown.kind).toBe("overloaded");
    expect(RETRY_AFTER_MS[thrown.kind]).toBeGreaterThan(0);
    return thrown.detail.message;
  }
}

test("a call that is refused takes nothing, and one that has left gives everything back, once", () => {
  const room = new Room({ maxCalls: 4, maxBufferedBytes: 100 });
  const place = room.enter("acme", undefined, 40);
  expect(refusalOf(() => room.enter("acme", undefined, 11))).toMatch(/of this workspace/);
  expect(room.bufferedBytes).toBe(40);
  place.hold(10);
  expect(refusalOf(() => place.hold(1))).toMatch(/of this workspace/);
  place.leave();
  place.leave();
  place.letGo();
  expect(room.bufferedBytes).toBe(0);
  for (let round = 0; round < 3; round++) room.enter("acme", undefined, 50).leave();
  expect(room.bufferedBytes).toBe(0);
});

test("bytes that come after a call has left are not counted", () => {
  const room = new Room({ maxCalls: 4, maxBufferedBytes: 100 });
  const place = room.enter("acme", undefined, 0);
  place.leave();
  place.hold(50);
  expect(room.bufferedBytes).toBe(0);
});

test("a call keeps its place when its body is dropped", () => {
  const room = new Room({ maxCalls: 2, maxBufferedBytes: 100 });
  room.enter("acme", undefined, 50).letGo();
  expect(room.bufferedBytes).toBe(0);
  expect(refusalOf(() => room.enter("acme", undefined, 0))).toMatch(/^The workspace has 1 calls? open/);
  expect(refusalOf(() => room.enter("acme", 2, 50))).toBeUndefined();
  expect(refusalOf(() => room.enter("other", undefined, 0))).toMatch(/^The gateway has as many calls/);
});

test("an answer that waits for its reader counts for its workspace when its call has left", () => {
  const room = new Room({ maxCalls: 4, maxBufferedBytes: 100 });
  const place = room.enter("acme", undefined, 0);
  place.holdAnswer(40);
  place.leave();
  expect(refusalOf(() => room.enter("acme", undefined, 11))).toMatch(/of this workspace/);
  expect(refusalOf(() => room.enter("other", undefined, 11))).toBeUndefined();
  place.letGoOfAnswer();
  expect(refusalOf(() => room.enter("acme", undefined, 11))).toBeUndefined();
});
