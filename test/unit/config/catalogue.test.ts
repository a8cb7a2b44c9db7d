import { describe, expect, test } from "bun:test";
import { knownModels } from "../../../src/catalogue.ts";
import { readCatalogue } from "../../../src/config/catalogue.ts";
import { providers } from "../../../src/providers/index.ts";
import { AZURE_EU, BEDROCK_EU, load } from "../../support/config-sample.ts";

const catalogue = readCatalogue(knownModels);
const entries = [...catalogue.entries.values()];
const named = (name: string) => catalogue.entries.get(name);

describe("the shipped catalogue", () => {
  test("has the models that Weir was first asked for, in the regions they were asked for", () => {
    for (const name of ["claude-3-5-sonnet-20240620", "claude-3-sonnet-20240229", "claude-3-haiku-20240307"]) {
      expect(Object.keys(named(name)?.regions ?? {}).sort()).toEqual(["eu", "us"]);
    }
    expect(Object.keys(named("claude-3-opus-20240229")?.regions ?? {})).toEqual(["us"]);
    for (const name of ["o3-mini", "o1-preview", "gpt-4o", "gpt-4o-mini", "gpt-4", "gpt-35-turbo"])
      expect(named(name)).toMatchObject({ provider: "azure", regions: undefined });
  });

  test("has today's models", () => {
    const claude = [
      "opus-5-5",
      "opus-5",
      "opus-4-8",
      "opus-4-7",
      "opus-4-6",
      "sonnet-5-5",
      "sonnet-5",
      "sonnet-4-6",
      "haiku-5-5",
      "fable-5-2",
      "fable-5-1",
      "fable-5",
      "mythos-5",
    ];
    for (const name of claude) expect(Object.keys(named(`claude-${name}`)?.regions ?? {})).toEqual(["eu", "us"]);
    for (const name of ["gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-5.1", "gpt-5.4", "gpt-5.5"]) expect(named(name)?.provider).toBe("azure");
  });

  test("never leaves a region, by what each model's own provider says of its name there", () => {
    for (const { provider, regions } of entries) {
      for (const [region, model] of Object.entries(regions ?? {})) {
        expect(["eu", "us"]).toContain(region);
        expect([model, providers.get(provider)?.modelProblem(region, model, {})]).toEqual([model, undefined]);
      }
    }
  });

  test("on Bedrock, eu is eu. or plain, us is us. or plain, nothing is global., and a model is named after what it calls upstream", () => {
    const ofBedrock = entries.filter(({ provider }) => provider === "bedrock");
    expect(ofBedrock.length).toBeGreaterThan(20);
    for (const { name, regions, aliasOf } of ofBedrock)
      for (const [region, model] of Object.entries(regions ?? {}))
        expect(model).toMatch(new RegExp(`^(${region}\\.)?anthropic\\.${aliasOf ?? name}`));
  });

  test("an alias shares the facts of its model", () => {
    expect(named("claude-sonnet-4-5")).toEqual({
      ...named("claude-sonnet-4-5-20250929"),
      name: "claude-sonnet-4-5",
      aliasOf: "claude-sonnet-4-5-20250929",
    } as never);
    expect(named("claude-sonnet-4-6")?.aliasOf).toBeUndefined();
  });

  test("knows days and tokenizers", () => {
    expect(named("claude-3-haiku-20240307")).toMatchObject({ created: 1_709_769_600, family: "claude-3", retiredAtMs: 0 });
    expect(named("gpt-4o")?.retiredAtMs).toBe(Date.parse("2026-10-01"));
    expect(named("claude-opus-4-7")?.family).toBe("claude-4.7");
    expect(named("gpt-4")?.family).toBe("cl100k");
  });

  test("finds a model by what the upstream calls it, whatever stands in front", () => {
    for (const model of [
      "eu.anthropic.claude-opus-4-6-v1",
      "global.anthropic.claude-opus-4-6-v1",
      "anthropic.claude-opus-4-6-v1",
      "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-opus-4-6-v1",
    ]) {
      expect(catalogue.byUpstreamModel(model)?.name).toBe("claude-opus-4-6");
    }
    expect(catalogue.byUpstreamModel("gpt-4.1-mini")?.name).toBe("gpt-4.1-mini");
    expect(catalogue.byUpstreamModel("my-deployment")).toBeUndefined();
  });

  test("has days that there are, and no empty names", () => {
    for (const models of Object.values(knownModels)) {
      for (const { created, retired, regions, aliases } of Object.values(models)) {
        for (const day of [created, retired])
          if (typeof day === "string") expect(new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10)).toBe(day);
        for (const name of [...Object.values(regions ?? {}), ...(aliases ?? [])]) expect(name).not.toBe("");
      }
    }
  });

  test("a name that occurs twice does not load", () => {
    expect(() => readCatalogue({ azure: { a: { family: "o200k" }, b: { family: "o200k", aliases: ["a"] } } })).toThrow('"a" occurs twice');
  });
});

describe("without models", () => {
  test("every model of the catalogue is served where an upstream of its provider is", () => {
    const { config, warnings } = load(
      `upstreams: { ${BEDROCK_EU}, ${AZURE_EU}, bedrock-us: { provider: bedrock, region: us, aws_region: us-east-1 } }\nworkspaces: { a: { default_region: us } }`,
    );
    const there = new Set(Object.values(config.upstreams).map(({ provider }) => provider));
    const offered = [...catalogue.entries].filter(([, { provider }]) => there.has(provider)).map(([name]) => name);
    expect(Object.keys(config.models).sort()).toEqual(offered.sort());
    expect(config.models["claude-sonnet-4-5"]).toMatchObject({
      aliasOf: "claude-sonnet-4-5-20250929",
      targets: [
        { upstream: "bedrock-eu", model: "eu.anthropic.claude-sonnet-4-5-20250929-v1:0" },
        { upstream: "bedrock-us", model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0" },
      ],
    });
    expect(config.models["claude-3-opus-20240229"]?.targets).toEqual([expect.objectContaining({ upstream: "bedrock-us" })]);
    expect(config.models["gpt-5"]?.targets).toEqual([expect.objectContaining({ upstream: "azure-eu", model: "gpt-5" })]);
    expect(warnings).toEqual([
      expect.stringMatching(
        /^models: left out, so the whole catalogue is offered, with \d+ models that are retired \(claude-3-haiku-20240307, .*gpt-4o/,
      ),
    ]);
  });

  test("a provider without an upstream brings no models, nor does a region that the catalogue does not know", () => {
    expect(Object.keys(load(`upstreams: { ${AZURE_EU} }`).config.models).every((name) => named(name)?.provider === "azure")).toBe(true);
    expect(
      Object.keys(load(`upstreams: { ${AZURE_EU}, b: { provider: bedrock, region: ch, aws_region: eu-central-2 } }`).config.models),
    ).not.toContain("claude-opus-5");
  });

  test("facts reach models that the file lists, by their name or by what they call upstream", () => {
    const { config } = load(`
upstreams: { ${BEDROCK_EU}, ${AZURE_EU} }
models:
  claude-3-haiku-20240307: { targets: [{ upstream: bedrock-eu, model: custom }] }
  quick: { targets: [{ upstream: bedrock-eu, model: eu.anthropic.claude-opus-4-7 }] }
  ours: { family: cl100k, estimate: exact, targets: [{ upstream: azure-eu, model: whatever }] }
  unknown: { targets: [{ upstream: azure-eu, model: whatever }] }
`);
    expect(config.models["claude-3-haiku-20240307"]).toMatchObject({ created: 1_709_769_600, family: "claude-3" });
    expect(config.models.quick).toMatchObject({ created: 1_776_297_600, family: "claude-4.7" });
    expect(config.models.ours).toMatchObject({ family: "cl100k", estimate: "exact" });
    expect(config.models.unknown).toMatchObject({ created: 0, family: undefined });
  });
});
