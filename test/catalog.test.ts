import { expect, test } from "bun:test";
import { Catalog, takeTurn } from "../src/catalog.ts";
import { readConfig } from "../src/config.ts";

const upstream = { provider: "azure", region: "eu", endpoint: "https://one.openai.azure.com", credentials: { api_key: "k" } };

function catalog(models: Record<string, unknown>, workspace: Record<string, unknown> = {}): Catalog {
  const document = { upstreams: { a: upstream, b: upstream, us: { ...upstream, region: "us" } }, models, workspaces: { acme: workspace } };
  return new Catalog(readConfig({ document, environment: {} }).config);
}

test("the targets of a region share its calls by weight, evenly spread", () => {
  const targets = [
    { upstream: "a", model: "one", weight: 5 },
    { upstream: "us", model: "elsewhere", weight: 100 },
    { upstream: "b", model: "two" },
    { upstream: "b", model: "three" },
  ];
  const offer = catalog({ m: { targets } }).find("acme", "openai", "eu", "m");
  const turns = Array.from({ length: 14 }, () => takeTurn(offer).model);
  expect(turns.slice(0, 7)).toEqual(["one", "one", "two", "one", "three", "one", "one"]);
  expect(turns.slice(7)).toEqual(turns.slice(0, 7));
});

test("a single target has every turn", () => {
  const offer = catalog({ m: { targets: [{ upstream: "a", model: "one", weight: 3 }] } }).find("acme", "openai", "eu", "m");
  expect([takeTurn(offer).model, takeTurn(offer).model]).toEqual(["one", "one"]);
});

test("a workspace that brings targets of its own has those models alone; one that it lists without targets keeps the shared ones", () => {
  const models = { shared: { targets: [{ upstream: "a", model: "s" }] }, further: { targets: [{ upstream: "a", model: "o" }] } };
  const own = { upstreams: { mine: upstream }, models: { m: { targets: [{ upstream: "mine", model: "x" }] }, shared: {} } };
  const listed = catalog(models, own).list("acme", "openai", "eu");
  expect(listed.map(({ id }) => id).sort()).toEqual(["m", "shared"]);
  expect(catalog(models).list("acme", "openai", "eu")).toHaveLength(2);
  expect(catalog(models, own).find("acme", "openai", "eu", "m").targets[0].upstream.name).toBe("acme/mine");
});

test("each limit is taken from the most specific place that sets it", () => {
  const models = { m: { limits: { rpm: 3, tpm: 30 }, targets: [{ upstream: "a", model: "s" }] } };
  const limitsOf = (workspace: Record<string, unknown>) => catalog(models, workspace).find("acme", "openai", "eu", "m").limits;
  expect(limitsOf({})).toMatchObject({ rpm: 3, tpm: 30 });
  expect(limitsOf({ limits: { rpm: 2 } })).toMatchObject({ rpm: 2, tpm: 30 });
  expect(limitsOf({ limits: { rpm: 2 }, models: { m: { limits: { tpm: 10 } } } })).toMatchObject({ rpm: 2, tpm: 10 });
});
