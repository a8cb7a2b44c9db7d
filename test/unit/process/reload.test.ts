/** How often a configuration is read anew that is asked for again and again: it costs the thread that serves calls. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../../src/config/config.ts";
import { readDocument } from "../../../src/config/document.ts";
import type { Config } from "../../../src/contract/config.ts";
import { Reloader, type ReloadParts } from "../../../src/process/reload.ts";
import { cpuMsOf } from "../../support/clock.ts";

test("a hundred that are asked for at once are read twice: the one that runs, and one with what has changed meanwhile", async () => {
  const folder = mkdtempSync(join(tmpdir(), "weir-asked-"));
  try {
    const file = join(folder, "weir.yaml");
    writeFileSync(
      file,
      'upstreams: { b: { provider: bedrock, region: eu, aws_region: eu-central-1, credentials: { bearer_token: "0123456789" } } }\n',
    );
    const source = { file, environment: {} };
    const loaded = readConfig(source);
    const results: string[] = [];
    let inForce: Config = loaded.config;
    const parts = {
      inForce: {
        get config() {
          return inForce;
        },
        replace: (config: Config) => {
          inForce = config;
        },
      },
      metrics: { configured: { reloaded: (result: string) => void results.push(result) } },
      log: { info: () => {}, warn: () => {}, error: () => {} },
    } as unknown as ReloadParts;
    const reloader = new Reloader(source, loaded, parts);
    await Promise.all(Array.from({ length: 100 }, () => reloader.reload("asked")));
    expect(results.length).toBeWithin(1, 3);
    await reloader.reload("asked");
    expect(results.every((result) => result === "applied")).toBe(true);
    reloader.stop();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a map of very many names is read in a time by their number, and not by its square", () => {
  const read = (names: number) => {
    const text = Array.from({ length: names }, (_, index) => `name-${index}: 1`).join("\n");
    return cpuMsOf(() => expect(readDocument(text).problems).toEqual([]));
  };
  read(2_000);
  // 16 times as many; the square is 256.
  expect(read(32_000) / read(2_000)).toBeLessThan(100);
});
