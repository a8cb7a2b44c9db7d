import { describe, expect, test } from "bun:test";
import { type ConfigError, readConfig } from "../../../src/config/config.ts";
import { Catalog } from "../../../src/routing/catalog.ts";
import { HealthBook } from "../../../src/routing/health.ts";

const upstream = { provider: "azure", region: "eu", endpoint: "https://one.openai.azure.com", credentials: { api_key: "k" } };

function catalog(models: Record<string, unknown>, workspace: Record<string, unknown> = {}): Catalog {
  const document = { upstreams: { a: upstream, b: upstream, us: { ...upstream, region: "us" } }, models, workspaces: { acme: workspace } };
  return new Catalog(readConfig({ document, environment: {} }).config);
}

test("the targets of a region are in the order of their ranks, and those of one rank in the order of the list", () => {
  const targets = [
    { upstream: "a", model: "last", rank: 9 },
    { upstream: "us", model: "elsewhere" },
    { upstream: "b", model: "third" },
    { upstream: "b", model: "first", rank: 0, weight: 5 },
    { upstream: "a", model: "second", rank: 0 },
  ];
  const offer = catalog({ m: { targets } }).find("acme", "openai", "eu", "m");
  expect(offer.targets.map(({ model, rank, weight }) => [model, rank, weight])).toEqual([
    ["first", 0, 5],
    ["second", 0, 1],
    ["third", 2, 1],
    ["last", 9, 1],
  ]);
});

test("the health of a target outlives the configuration, as long as the new one has the target", () => {
  const book = new HealthBook();
  const targetOf = (model: string) => {
    const models = { m: { targets: [{ upstream: "a", model }] } };
    const { config } = readConfig({ document: { upstreams: { a: upstream }, models, workspaces: { acme: {} } }, environment: {} });
    return new Catalog(config, book).find("acme", "openai", "eu", "m").targets[0];
  };
  const first = targetOf("one");
  expect(targetOf("one").health).toBe(first.health);
  expect(targetOf("two").health).not.toBe(first.health);
  expect(targetOf("one").health).not.toBe(first.health);
});

test("a workspace that brings targets has only the models that it lists; one of them without targets has the shared targets", () => {
  const models = { shared: { targets: [{ upstream: "a", model: "s" }] }, further: { targets: [{ upstream: "a", model: "o" }] } };
  const own = { upstreams: { mine: upstream }, models: { m: { targets: [{ upstream: "mine", model: "x" }] }, shared: {} } };
  const listed = catalog(models, own).list("acme", "openai", "eu");
  expect(listed.map(({ id }) => id).sort()).toEqual(["m", "shared"]);
  expect(catalog(models).list("acme", "openai", "eu")).toHaveLength(2);
  expect(catalog(models, own).find("acme", "openai", "eu", "m").targets[0].upstream.name).toBe("acme/mine");
});

describe("one catalogue after the other", () => {
  const models = {
    m: {
      targets: [
        { upstream: "a", model: "s" },
        { upstream: "b", model: "t" },
      ],
    },
  };
  const read = (document: Record<string, unknown>) =>
    readConfig({ document: { upstreams: { a: upstream, b: upstream }, models, ...document }, environment: {} }).config;
  const offerOf = (from: Catalog, workspace: string) => from.find(workspace, "openai", "eu", "m");

  test("where one workspace has changed, the others keep their tables, and with them the turns of their weights", () => {
    const config = read({ workspaces: { one: {}, two: {}, three: { models: { m: { affinity: "off" } } } } });
    const first = new Catalog(config);
    const changed = read({ workspaces: { two: { limits: { rpm: 1 } } } }).workspaces.two;
    const offers = ["one", "two", "three"].map((name) => offerOf(first, name));
    const next = new Catalog(
      { ...config, workspaces: { ...config.workspaces, ...(changed && { two: changed }) } },
      new HealthBook(),
      first,
    );
    expect(offerOf(next, "one")).toBe(offers[0] as never);
    expect(offerOf(next, "three")).toBe(offers[2] as never);
    expect(offerOf(next, "two").limits.rpm).toBe(1);
    const { three: _, ...left } = config.workspaces;
    const last = new Catalog({ ...config, workspaces: left }, new HealthBook(), next);
    expect(() => offerOf(last, "three")).toThrow("does not exist");
  });

  test("a target keeps its id as long as a worker would call it in the same way", () => {
    const idsOf = (from: Catalog) => offerOf(from, "one").targets.map(({ id }) => id);
    const first = new Catalog(read({ workspaces: { one: {} } }));
    const same = new Catalog(read({ workspaces: { one: { limits: { rpm: 5 } } } }), new HealthBook(), first);
    expect(idsOf(same)).toEqual(idsOf(first));
    const other = { a: { ...upstream, credentials: { api_key: "another" } }, b: upstream };
    const changed = new Catalog(read({ upstreams: other, workspaces: { one: {} } }), new HealthBook(), same);
    expect(idsOf(changed)[1]).toBe(idsOf(first)[1] as number);
    expect(idsOf(first)).not.toContain(idsOf(changed)[0] as number);
    const back = new Catalog(read({ workspaces: { one: {} } }), new HealthBook(), changed);
    expect(idsOf(back)[0]).not.toBe(idsOf(changed)[0] as number);
  });

  test("everything that any workspace can ask for is known beforehand, also the models of one workspace alone", () => {
    const own = { upstreams: { mine: { ...upstream, region: "us" } }, models: { theirs: { targets: [{ upstream: "mine", model: "x" }] } } };
    const from = new Catalog(read({ workspaces: { plain: {}, another: { limits: { rpm: 1 } }, special: own } }));
    expect(from.offers().map(({ model, region, upstreams }) => [model, region, upstreams])).toEqual([
      ["m", "eu", ["a", "b"]],
      ["theirs", "us", ["special/mine"]],
    ]);
    expect(from.targets.map(({ upstream: { name } }) => name)).toEqual(["a", "b", "special/mine"]);
    expect(from.weighing.map(({ model }) => model)).toEqual(["m", "theirs"]);
    expect([from.hasChoices, from.workspaces]).toEqual([true, ["plain", "another", "special"]]);
  });
});

test("each limit is taken from the most specific place that sets it", () => {
  const models = { m: { limits: { rpm: 3, tpm: 30 }, targets: [{ upstream: "a", model: "s" }] } };
  const limitsOf = (workspace: Record<string, unknown>) => catalog(models, workspace).find("acme", "openai", "eu", "m").limits;
  expect(limitsOf({})).toMatchObject({ rpm: 3, tpm: 30 });
  expect(limitsOf({ limits: { rpm: 2 } })).toMatchObject({ rpm: 2, tpm: 30 });
  expect(limitsOf({ limits: { rpm: 2 }, models: { m: { limits: { tpm: 10 } } } })).toMatchObject({ rpm: 2, tpm: 10 });
});

describe("further names of a model", () => {
  const bedrock = { provider: "bedrock", region: "eu", aws_region: "eu-central-1" };
  const SONNET = "claude-sonnet-4-5-20250929";
  const target = { upstream: "c", model: `eu.anthropic.${SONNET}-v1:0` };
  const read = (models: Record<string, unknown>, workspace: Record<string, unknown> = {}) =>
    readConfig({ document: { upstreams: { c: bedrock, a: upstream }, models, workspaces: { acme: workspace } }, environment: {} }).config;
  const names = (models: Record<string, unknown>, workspace: Record<string, unknown> = {}) =>
    new Catalog(read(models, workspace))
      .list("acme", "anthropic", "eu")
      .map(({ id }) => id)
      .sort();

  test("lead to its targets, and share its limits", () => {
    const catalog = new Catalog(read({ m: { aliases: ["n", "o-latest"], limits: { rpm: 7 }, targets: [target] } }));
    const offer = catalog.find("acme", "anthropic", "eu", "o-latest");
    expect(offer).toMatchObject({ model: "m", limits: { rpm: 7 } });
    expect(offer.targets[0].id).toBe(catalog.find("acme", "anthropic", "eu", "m").targets[0].id);
  });

  test("are those of the catalogue, unless the file gives them to another model", () => {
    expect(names({ [SONNET]: { targets: [target] } })).toEqual(["claude-sonnet-4-5", SONNET]);
    const theirs = { aliases: ["claude-sonnet-4-5"], targets: [target] };
    const catalog = new Catalog(read({ [SONNET]: { targets: [target] }, theirs }));
    expect(catalog.find("acme", "anthropic", "eu", "claude-sonnet-4-5").model).toBe("theirs");
  });

  test("belong to a model that a workspace brings, and to a shared one on its list", () => {
    const own = {
      upstreams: { mine: bedrock },
      models: { x: { aliases: ["y"], targets: [{ ...target, upstream: "mine" }] }, [SONNET]: {} },
    };
    expect(names({ [SONNET]: { aliases: ["sonnet"], targets: [target] }, left: { targets: [target] } }, own)).toEqual(
      ["claude-sonnet-4-5", SONNET, "sonnet", "x", "y"].sort(),
    );
  });

  test("are a mistake where the name is taken, where it differs only by capitals, and where there are no targets", () => {
    const problems = (models: Record<string, unknown>, workspace?: Record<string, unknown>) => {
      try {
        read(models, workspace);
        return [];
      } catch (thrown) {
        return (thrown as ConfigError).problems;
      }
    };
    expect(problems({ m: { aliases: ["n"], targets: [target] }, n: { targets: [target] } })).toEqual([
      'models.m.aliases.0: expected a name that is not taken, got one that already means "n"',
    ]);
    expect(problems({ m: { aliases: ["M"], targets: [target] } })).toEqual([
      expect.stringContaining("differ by more than capital letters"),
    ]);
    expect(problems({ m: { targets: [target] } }, { models: { m: { aliases: ["n"] } } })).toEqual([
      expect.stringContaining("workspaces.acme.models.m.aliases: expected targets beside them"),
    ]);
  });
});
