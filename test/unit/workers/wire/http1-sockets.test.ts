import { expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { connect } from "node:net";
import process from "node:process";
import { Wheel } from "../../../../workers/wire/clock.ts";
import { createHttp1Client } from "../../../../workers/wire/http1.ts";
import { lingering } from "../../../../workers/wire/sockets/native.ts";
import { eventually, pause } from "../../../support/waits.ts";
import { answering, call, PATIENT } from "./http-peers.ts";

/** Listens, says where, and never accepts: once its queue is full, the system drops what knocks. */
const DEAF = `
  const server = require("node:net").createServer(() => {});
  server.listen({ port: 0, host: "127.0.0.1" }, () => {
    require("node:fs").writeSync(1, server.address().port + "\\n");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
  });`;

test("dials that were given up and that the system has not ended are few, whatever an upstream does", async () => {
  const child = spawn(process.execPath, ["-e", DEAF], { stdio: ["ignore", "pipe", "inherit"] });
  const port = Number(await new Promise<string>((resolve) => child.stdout.once("data", (bytes) => resolve(String(bytes)))));
  // Bun's queue holds 512, whatever it is asked for.
  let connected = 0;
  const count = () => void connected++;
  const fill = Array.from({ length: 600 }, () => connect({ host: "127.0.0.1", port }, count).on("error", () => {}));
  const client = createHttp1Client();
  try {
    // It is full when no more come in.
    for (let before = -1; before !== connected; await pause(200)) before = connected;
    const origin = { tls: false, host: "127.0.0.1", port, ca: undefined };
    for (let round = 0; round < 4; round++) {
      const calls = Array.from({ length: 40 }, () => call(client, { origin }, { ...PATIENT, connectMs: 100 }));
      for (const { over } of calls) expect((await over).result).toBe("timeout");
    }
    expect(lingering()).toBeGreaterThan(40);
    expect(lingering()).toBeLessThan(104);
  } finally {
    client.close();
    for (const socket of fill) socket.destroy();
    child.kill("SIGKILL");
  }
  // The system knocks again after a second, three, seven, and is refused now.
  await eventually(() => lingering() === 0, "the system to end them", 15_000);
}, 30_000);

test("idle connections are looked over by one deadline, however often their origins are forgotten", async () => {
  const wheel = new Wheel();
  const idleMs = 987;
  let looks = 0;
  const { schedule } = wheel;
  wheel.schedule = (delayMs, due) => {
    if (delayMs === idleMs) looks++;
    return schedule.call(wheel, delayMs, due);
  };
  const peer = await answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", false);
  const client = createHttp1Client({ wheel, idleMs });
  try {
    for (let round = 0; round < 5; round++) {
      // A new object is a new origin, as a new configuration brings it.
      const origin = { ...peer.origin };
      expect((await call(client, { origin }, PATIENT).over).result).toBe("end");
      client.forget(origin);
    }
    expect(looks).toBe(1);
  } finally {
    client.close();
    peer.close();
  }
});
