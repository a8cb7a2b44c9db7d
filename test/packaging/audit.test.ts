/** The audit of packages in `npm run check`, against a registry that the test plays. */
import { describe, expect, test } from "bun:test";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { audit, judge, knownAdvisories } from "../../scripts/audit.mjs";
import { freePort } from "../support/waits.ts";

const URL_OF = "https://github.com/advisories/GHSA-aaaa-bbbb-cc12";
const hole = { source: 1, name: "elysia", title: "It leaks.", url: URL_OF, severity: "high", range: "*" };
const report = (...via: unknown[]) =>
  JSON.stringify({ auditReportVersion: 2, vulnerabilities: { elysia: { name: "elysia", via }, weir: { name: "weir", via: ["elysia"] } } });

describe("what npm found", () => {
  test("fails where it is not in the list, with what it is and where to read of it", () => {
    const { isGood, lines } = judge(report(hole), []);
    expect([isGood, lines]).toEqual([false, [`GHSA-aaaa-bbbb-cc12: elysia, high: It leaks. (${URL_OF})`]]);
  });

  test("passes where it is in the list with its reason; what the list has and does not need is reported", () => {
    const known = [{ id: "GHSA-aaaa-bbbb-cc12", because: "the part that leaks is not used" }];
    expect(judge(report(hole), known)).toEqual({ isGood: true, lines: [] });
    expect(judge(report(), known)).toEqual({ isGood: true, lines: [expect.stringMatching(/not found any more/)] });
  });

  test("is nothing, or was not asked for: both are good, and the second is reported", () => {
    expect(judge(report(), [])).toEqual({ isGood: true, lines: [] });
    expect(judge('{"message":"405 Method Not Allowed - POST …"}', [])).toEqual({
      isGood: true,
      lines: ["not asked: 405 Method Not Allowed - POST …"],
    });
    expect(judge("", [])).toEqual({ isGood: true, lines: ["not asked: the registry gave no answer"] });
  });
});

test("the list gives a reason for each", () => {
  for (const { id, because } of knownAdvisories())
    expect([id, because]).toEqual([expect.stringMatching(/^GHSA-/), expect.stringMatching(/\S{3,} \S+/)]);
});

describe("the registry", () => {
  const at = (port: number): NodeJS.ProcessEnv => ({ ...process.env, npm_config_registry: `http://127.0.0.1:${port}/` });

  test("is asked for the packages that Weir runs with, and a weakness in one of them is found", async () => {
    let asked: Record<string, string[]> = {};
    const server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        const bytes = Buffer.concat(parts);
        if (request.url?.endsWith("/advisories/bulk"))
          asked = JSON.parse((bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString()) as typeof asked;
        const { title, url, severity } = hole;
        response.setHeader("content-type", "application/json");
        const name = "elysia";
        // npm asks for the package too, to see which of its versions have the weakness.
        const packument = { name, "dist-tags": { latest: "1.0.0" }, versions: { "1.0.0": { name, version: "1.0.0" } } };
        response.end(
          JSON.stringify(request.method === "POST" ? { [name]: [{ id: 1, title, url, severity, vulnerable_versions: "*" }] } : packument),
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { isGood, lines } = await audit(at((server.address() as AddressInfo).port));
    server.close();
    expect(Object.keys(asked)).toContain("ioredis");
    expect(Object.keys(asked)).not.toContain("knip");
    expect([isGood, lines]).toEqual([false, [expect.stringContaining("GHSA-aaaa-bbbb-cc12: elysia, high")]]);
  }, 30_000);

  test("that cannot be reached is reported soon, and is no failure", async () => {
    const { isGood, lines } = await audit(at(await freePort()));
    expect([isGood, lines]).toEqual([true, [expect.stringMatching(/^not asked: /)]]);
  }, 30_000);
});
