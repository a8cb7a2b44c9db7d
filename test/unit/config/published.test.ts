import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import Ajv2020 from "ajv/dist/2020.js";
import { parse } from "yaml";
import { runCheck } from "../../../src/commands/check.ts";
import { publishedSchema } from "../../../src/config/published.ts";
import { Catalog } from "../../../src/routing/catalog.ts";
import { DOCUMENT, SCHEMA_FILE, withSettings } from "../../docs/configuration-reference.ts";
import { BEDROCK_EU, load, mistakes, NOW_MS, SMALL, writeSample } from "../../support/config-sample.ts";

const EXAMPLE = new URL("../../../weir.example.yaml", import.meta.url);
const example = readFileSync(EXAMPLE, "utf8");
const environment = {
  AWS_BEARER_TOKEN_BEDROCK: "bedrock-api-key-0123456789",
  AZURE_EU_KEY: "azure-key-0123456789",
  AZURE_EU_SECOND_KEY: "azure-second-key-0123456789",
  AZURE_TENANT_ID: "tenant",
  AZURE_CLIENT_ID: "client",
  AZURE_FEDERATED_TOKEN_FILE: "/run/token",
  BYOK_AZURE_KEY: "byok-key-0123456789",
  ACME_KEY_SHA256: "ab".repeat(32),
};
const accepts = new Ajv2020({ strict: true, strictTypes: false, allErrors: true }).compile(JSON.parse(publishedSchema()));

type Tree = Record<string, unknown>;

/** Every map in a value, with a name of its place. */
function maps(value: unknown, place = ""): [string, Tree][] {
  if (typeof value !== "object" || value === null) return [];
  const here: [string, Tree][] = Array.isArray(value) ? [] : [[place, value as Tree]];
  return [...here, ...Object.entries(value).flatMap(([key, item]) => maps(item, `${place}/${key}`))];
}

describe("what is published follows the schema", () => {
  test("weir.schema.json is current (bun run docs)", () => {
    expect(JSON.parse(readFileSync(SCHEMA_FILE, "utf8"))).toEqual(JSON.parse(publishedSchema()));
  });

  test("docs/configuration.md is current (bun run docs)", () => {
    const document = readFileSync(DOCUMENT, "utf8");
    expect(document).toBe(withSettings(document));
  });

  test("every setting has a sentence", () => {
    const published = JSON.parse(publishedSchema());
    const silent = maps(published).flatMap(([place, node]) => {
      const properties = node.properties as Record<string, Tree> | undefined;
      return properties === undefined || place.endsWith("/properties")
        ? []
        : Object.entries(properties)
            .filter(([, value]) => !value.description)
            .map(([key]) => `${place}/${key}`);
    });
    expect(silent).toEqual([]);
  });
});

test("the example of a workspace with its own keys in docs/configuration.md is good, and shows what its words say", () => {
  const block = readFileSync(DOCUMENT, "utf8").split("```yaml\n# bring your own keys\n")[1]?.split("```")[0] ?? "";
  const { config, warnings } = load(block, { environment: { BYOK_KEY: "documented-byok-key-0123" } });
  expect(warnings).toEqual([]);
  const catalog = new Catalog(config);
  const names = (dialect: "anthropic" | "openai") => catalog.list("byok", dialect, "us").map(({ id }) => id);
  expect([names("anthropic"), names("openai")]).toEqual([["claude-sonnet-5"], ["gpt-5.5"]]);
  expect(catalog.find("byok", "openai", "us", "gpt-5.5").targets[0].upstream.name).toBe("byok/own-azure");
  expect(catalog.find("byok", "anthropic", "us", "claude-sonnet-5").targets[0].upstream.name).toBe("bedrock-us");
});

describe("the example", () => {
  test("passes the check, and its secrets are masked", () => {
    const { text, exitCode } = runCheck({ file: EXAMPLE.pathname, environment, nowMs: NOW_MS, processors: 2 });
    expect(text).toContain("weir.example.yaml is good.");
    expect(exitCode).toBe(0);
    for (const secret of Object.values(environment).filter((value) => value.includes("key"))) expect(text).not.toContain(secret);
    for (const row of [
      /bedrock-eu +eu +bedrock +https:\/\/bedrock-runtime\.eu-central-1\.amazonaws\.com · AWS default chain/,
      /gpt-5\.5 +eu +azure-eu gpt-55-prod \(2 of 3 calls\) +500000 tokens\/min\n +eu +azure-eu-second gpt-55-prod \(1 of 3 calls\)\n +us +azure-us gpt-5\.5\n/,
      /claude-sonnet-5 +eu +bedrock-eu eu\.anthropic\.claude-sonnet-5 \(1 of 2 calls\)\n +eu +bedrock-eu-west /,
      /bodies up to 32 MiB, /,
      /key …6789/,
      /keys +ci \(until 2027/,
    ]) {
      expect(text).toMatch(row);
    }
  });

  test("is told how processes and workers share the processors, where there are several", () => {
    const file = writeSample(example.replace("processes: 1 ", "processes: auto "));
    const told = (processors: number) => runCheck({ file, environment, nowMs: NOW_MS, processors }).text;
    expect(told(8)).toMatch(/processes +4 on one public port\n +workers +1 thread in each process/);
    expect(told(2)).not.toContain("processes");
  });

  test("is good by the published schema too, with its references to the environment as they stand", () => {
    expect(accepts(parse(example))).toBe(true);
  });
});

describe("a slip at any level", () => {
  // Every map of the example gets a setting that does not exist; every name of a setting loses a letter.
  const places = maps(parse(example)).map(([place]) => place);

  test("there are many levels to try", () => expect(places.length).toBeGreaterThan(30));

  for (const place of places) {
    test(`a setting that does not exist at ${place || "/"} is found by both schemas`, () => {
      const document = parse(example) as Tree;
      const map = maps(document).find(([other]) => other === place)?.[1] ?? {};
      map["zz top"] = 1;
      expect(accepts(document)).toBe(false);
      expect(mistakes(JSON.stringify(document), { environment }).join("\n")).toMatch(/…: (is not a setting|expected a name)/);
    });
  }

  test("a letter that is missing in any name is found, and the right name proposed", () => {
    const records = /\/(upstreams|models|workspaces)$/;
    let tried = 0;
    for (const [place, original] of maps(parse(example))) {
      if (records.test(place)) continue;
      for (const key of Object.keys(original)) {
        if (key.length < 4) continue;
        const document = parse(example) as Tree;
        const map = maps(document).find(([other]) => other === place)?.[1] ?? {};
        const slip = key.slice(0, 1) + key.slice(2);
        map[slip] = map[key];
        delete map[key];
        const found = mistakes(JSON.stringify(document), { environment }).filter((problem) => problem.includes(`did you mean "${key}"`));
        // Where the name says which schema holds, there is nothing to hold the slip against.
        if (key === "provider") expect(mistakes(JSON.stringify(document), { environment }).join()).toContain("expected provider");
        else expect({ place, key, found: found.length }).toEqual({ place, key, found: 1 });
        tried += 1;
      }
    }
    expect(tried).toBeGreaterThan(80);
  }, 30_000);

  test("a value of a wrong kind in any place is found", () => {
    let tried = 0;
    for (const [place, original] of maps(parse(example))) {
      for (const key of Object.keys(original)) {
        const document = parse(example) as Tree;
        const map = maps(document).find(([other]) => other === place)?.[1] ?? {};
        map[key] = [[true]];
        expect({ place, key, found: mistakes(JSON.stringify(document), { environment }).length > 0 }).toEqual({ place, key, found: true });
        expect(accepts(document)).toBe(false);
        tried += 1;
      }
    }
    expect(tried).toBeGreaterThan(100);
  }, 30_000);
});

describe("check", () => {
  const check = (yaml: string, variables: Record<string, string> = {}) =>
    runCheck({ file: writeSample(yaml), environment: variables, nowMs: NOW_MS, processors: 2 });

  test("prints every mistake and exits 1", () => {
    const { text, exitCode } = check(`${SMALL}\nsever: 1\nadmin: { port: x }`);
    expect(exitCode).toBe(1);
    expect(text).toMatch(/weir\.yaml: 2 mistakes\n {2}line 8: sever: .*\n {2}line 9: admin\.port: .*\n$/);
  });

  test("prints warnings and exits 0", () => {
    const { text, exitCode } = check(`upstreams: { ${BEDROCK_EU} }`);
    expect(exitCode).toBe(0);
    expect(text).toContain("2 warnings:");
    expect(text).toMatch(/claude-sonnet-4-5 +as claude-sonnet-4-5-20250929/);
  });

  test("says what no configuration means", () => {
    const { text, exitCode } = runCheck({ directory: "/nonexistent", environment: {} });
    expect(exitCode).toBe(0);
    expect(text).toContain("sandbox mode");
  });

  test("shows no password of Redis or a proxy", () => {
    const { text } = check(`${SMALL}\nredis: { url: "rediss://me:hunter2@cache:6379" }`, { HTTPS_PROXY: "http://me:hunter3@proxy:1" });
    expect(text).toContain("rediss://cache:6379");
    expect(text).toContain("http://proxy:1");
    expect(text).not.toMatch(/hunter/);
  });

  test("shows models, weights and limits of a workspace, and keys by their name alone", () => {
    const sha = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    const { text } = check(`${SMALL.replace("acme: {}", `acme: { limits: { rpm: 7 }, keys: [{ name: ci, sha256: ${sha} }] }`)}`);
    expect(text).toMatch(/Workspace acme\n.*\n +limits +7 requests\/min\n +keys +ci\n/);
    expect(text).not.toContain(sha);
  });
});
