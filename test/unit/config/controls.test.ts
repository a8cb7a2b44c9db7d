import { expect, test } from "bun:test";
import { Catalog } from "../../../src/routing/catalog.ts";
import { AZURE_EU, BEDROCK_EU, load } from "../../support/config-sample.ts";

const GUARDRAIL = "guardrail: { id: abc, version: '1' }";

test("a workspace's control that some of its clouds do not have is told", () => {
  const yaml = (workspace: string) => `upstreams:
  ${BEDROCK_EU}
  ${AZURE_EU}
models:
  claude: { targets: [{ upstream: bedrock-eu, model: eu.anthropic.claude-sonnet-4-6 }] }
  gpt-4o: { targets: [{ upstream: azure-eu, model: gpt-4o }] }
workspaces:
  acme: ${workspace}
`;
  expect(load(yaml(`{ controls: { ${GUARDRAIL} } }`)).warnings.filter((warning) => warning.includes("controls"))).toEqual([
    "line 8: workspaces.acme.controls.guardrail: works only at clouds that have it; calls of this workspace to azure are made without it",
  ]);
  expect(load(yaml("{}")).warnings.filter((warning) => warning.includes("controls"))).toEqual([]);
});

test("a workspace with controls has targets of its own, which it shares with those that set the same, over reloads", () => {
  const { config } = load(`upstreams:
  ${BEDROCK_EU}
models:
  claude: { targets: [{ upstream: bedrock-eu, model: eu.anthropic.claude-sonnet-4-6 }] }
workspaces:
  plain: {}
  one: { controls: { ${GUARDRAIL} } }
  other: { controls: { ${GUARDRAIL} } }
`);
  const idOf = (catalog: Catalog, workspace: string) => catalog.find(workspace, "anthropic", "eu", "claude").targets[0].id;
  const before = new Catalog(config);
  expect(idOf(before, "one")).toBe(idOf(before, "other"));
  expect(idOf(before, "one")).not.toBe(idOf(before, "plain"));
  // Workers are given every target that there is.
  expect(before.targets.map(({ id }) => id)).toContain(idOf(before, "one"));
  const after = new Catalog({ ...config }, undefined, before);
  for (const workspace of ["plain", "one", "other"]) expect(idOf(after, workspace)).toBe(idOf(before, workspace));
});
