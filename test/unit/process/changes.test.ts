import { expect, test } from "bun:test";
import { withFixed } from "../../../src/contract/config.ts";
import { changesBetween } from "../../../src/process/changes.ts";
import { load, SMALL } from "../../support/config-sample.ts";

const SHA = (digit: string) => digit.repeat(64);
/** As a reload puts them in force: each file lies in a folder of its own, which is not to count. */
function changes(before: string, after: string) {
  const { config } = load(before);
  return changesBetween(config, withFixed(load(after).config, config));
}

test("the same configuration has no changes", () => {
  expect(changes(SMALL, SMALL)).toEqual({});
});

test("what changed is named as weir.yaml names it, and never by its value", () => {
  expect(changes(SMALL, `${SMALL}\nlimits: { rpm: 7, count_rpm: 70 }\nstrict_parameters: true\nlog: { slow: 1s }`)).toEqual({
    changed: expect.arrayContaining(["limits.rpm", "limits.count_rpm", "strict_parameters", "log.slow"]),
  });
  expect(Object.values(changes(SMALL, `${SMALL}\nlimits: { rpm: 7 }`)).flat()).toEqual(["limits.rpm"]);
});

test("what is new or gone is told by its own name", () => {
  const more = SMALL.replace("acme: {}", `acme: { keys: [{ name: ci, sha256: ${SHA("a")} }] }\n  beta: {}`);
  expect(changes(SMALL, more)).toEqual({ added: ["workspaces.acme.keys.ci", "workspaces.beta"] });
  expect(changes(more, SMALL)).toEqual({ removed: ["workspaces.acme.keys.ci", "workspaces.beta"] });
});

test("a key that is another one under the same name, and credentials, are named without a value", () => {
  const withKey = (sha: string) => SMALL.replace("acme: {}", `acme: { keys: [{ name: ci, sha256: ${sha} }] }`);
  const found = changes(withKey(SHA("a")), withKey(SHA("b")));
  expect(found).toEqual({ changed: ["workspaces.acme.keys.ci.sha256"] });
  const withSecret = (secret: string) =>
    SMALL.replace(
      "aws_region: eu-central-1 }",
      `aws_region: eu-central-1, credentials: { access_key_id: AKIAEXAMPLE, secret_access_key: ${secret} } }`,
    );
  expect(changes(withSecret("changes-secret-one-1"), withSecret("changes-secret-two-2"))).toEqual({
    changed: ["upstreams.bedrock-eu.settings"],
  });
});

test("a long list of changes ends with their number", () => {
  const many = SMALL.replace("acme: {}", ["acme: {}", ...Array.from({ length: 60 }, (_, at) => `  w${at}: {}`)].join("\n"));
  const found = changes(SMALL, many);
  expect(found.added).toHaveLength(50);
  expect(found.more).toBe(10);
});
