// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the notation under test
import { describe, expect, test } from "bun:test";
import { load, mistakes } from "../../support/config-sample.ts";

const bedrock = (region: string, awsRegion: string, model: string, endpoint?: string) => `
upstreams: { up: { provider: bedrock, region: ${region}, aws_region: ${awsRegion}${endpoint === undefined ? "" : `, endpoint: "${endpoint}"`} } }
models: { claude: { targets: [{ upstream: up, model: "${model}" }] } }
workspaces: { acme: {} }
`;
const azure = (region: string, endpoint: string) => `
upstreams: { up: { provider: azure, region: ${region}, endpoint: "${endpoint}", credentials: { api_key: k } } }
models: { gpt-5: { targets: [{ upstream: up, model: gpt-5 }] } }
workspaces: { acme: {} }
`;
const ID = "anthropic.claude-sonnet-4-5-20250929-v1:0";
const ARN = (region: string, resource: string) => `arn:aws:bedrock:${region}:123456789012:${resource}`;

describe("what stays in its region is taken", () => {
  const good: [region: string, awsRegion: string, model: string][] = [
    ["eu", "eu-central-1", ID],
    ["eu", "eu-west-3", `eu.${ID}`],
    ["eu", "eusc-de-east-1", ID],
    ["us", "us-west-2", `us.${ID}`],
    ["us", "us-gov-west-1", `us-gov.${ID}`],
    ["ch", "eu-central-2", ID],
    ["jp", "ap-northeast-1", `jp.${ID}`],
    ["au", "ap-southeast-2", `au.${ID}`],
    ["apac", "ap-south-1", `apac.${ID}`],
    ["global", "us-east-1", `global.${ID}`],
    ["eu-central-1", "eu-central-1", ID],
    ["staging", "sa-east-1", ID],
    ["eu", "eu-central-1", ARN("eu-central-1", `inference-profile/eu.${ID}`)],
    ["eu", "eu-central-1", ARN("eu-central-1", "provisioned-model/abc123")],
    ["eu", "eu-central-1", `arn:aws:bedrock:eu-central-1::foundation-model/${ID}`],
  ];
  for (const [region, awsRegion, model] of good) {
    test(`${region}: ${model} at ${awsRegion}`, () => {
      const { config, warnings } = load(bedrock(region, awsRegion, model));
      expect(config.models.claude?.targets[0]?.model).toBe(model);
      expect(warnings.filter((warning) => !warning.includes("the plain id of a model"))).toEqual([]);
    });
  }
});

describe("what leaves its region is refused", () => {
  const bad: [region: string, awsRegion: string, model: string, why: string][] = [
    ["eu", "us-east-1", ID, 'aws_region: us-east-1 is not in region "eu"'],
    ["us", "eu-central-1", ID, 'aws_region: eu-central-1 is not in region "us"'],
    ["us", "ca-central-1", ID, 'aws_region: ca-central-1 is not in region "us"'],
    ["ch", "eu-central-1", ID, 'aws_region: eu-central-1 is not in region "ch"'],
    ["eu-central-1", "eu-west-1", ID, 'aws_region: eu-west-1 is not in region "eu-central-1"'],
    ...["global", "us", "apac", "jp", "au", "xx"].map((prefix): [string, string, string, string] => [
      "eu",
      "eu-central-1",
      `${prefix}.${ID}`,
      `model: it is an inference profile of ${prefix === "xx" ? "another place" : `"${prefix}"`} and would leave region "eu"; use eu. or an id without a prefix`,
    ]),
    ["eu", "eu-central-1", `GLOBAL.${ID}`, 'is an inference profile of "global"'],
    ["us", "us-east-1", `eu.${ID}`, 'would leave region "us"'],
    ["ch", "eu-central-2", `eu.${ID}`, 'would leave region "ch"; use an id without a prefix'],
    ["staging", "eu-central-1", `eu.${ID}`, 'would leave region "staging"'],
    ["eu", "eu-central-1", ARN("us-east-1", `inference-profile/eu.${ID}`), "is in us-east-1, but the upstream is in eu-central-1"],
    ["eu", "eu-central-1", ARN("eu-west-1", `inference-profile/eu.${ID}`), "is in eu-west-1, but the upstream is in eu-central-1"],
    ["eu", "eu-central-1", ARN("eu-central-1", `inference-profile/global.${ID}`), 'is an inference profile of "global"'],
    ["eu", "eu-central-1", "arn:aws:bedrock", "is not an ARN of a model"],
  ];
  for (const [region, awsRegion, model, why] of bad) {
    test(`${region}: ${model} at ${awsRegion}`, () =>
      expect(mistakes(bedrock(region, awsRegion, model))).toEqual([expect.stringContaining(why)]));
  }

  test("a name to count by", () => {
    const counted = (name: string) => bedrock("eu", "eu-central-1", ID).replace(`model: "${ID}"`, `model: "${ID}", count_model: "${name}"`);
    expect(counted("x")).toContain("count_model");
    expect(mistakes(counted(`us.${ID}`))).toEqual([expect.stringContaining('count_model: it is an inference profile of "us"')]);
    expect(load(counted(`eu.${ID}`)).config.models.claude?.targets[0]?.countModel).toBe(`eu.${ID}`);
  });

  test("an endpoint that names another AWS region", () => {
    expect(mistakes(bedrock("eu", "eu-central-1", ID, "https://bedrock-runtime.us-east-1.amazonaws.com"))).toEqual([
      expect.stringContaining("upstreams.up.endpoint: is in us-east-1, but aws_region is eu-central-1"),
    ]);
    expect(mistakes(bedrock("eu", "eu-central-1", ID, "https://vpce-1.bedrock-runtime.us-west-2.vpce.amazonaws.com"))).toHaveLength(1);
    expect(mistakes(bedrock("eu", "eu-central-1", ID, "https://vpce-1.bedrock-runtime.eu-central-1.vpce.amazonaws.com"))).toEqual([]);
  });

  test("a workspace's own upstream too", () => {
    expect(
      mistakes(
        `workspaces: { byok: { upstreams: { own: { provider: bedrock, region: eu, aws_region: eu-west-1 } }, models: { m: { targets: [{ upstream: own, model: "us.${ID}" }] } } } }`,
      ),
    ).toEqual([expect.stringContaining("workspaces.byok.models.m.targets.0.model:")]);
  });

  test("Azure's sovereign clouds and the addresses that bear a location", () => {
    expect(mistakes(azure("eu", "https://a.openai.azure.us"))).toEqual([
      expect.stringContaining('it is in the United States, not in region "eu"'),
    ]);
    expect(mistakes(azure("us", "https://a.openai.azure.cn"))).toEqual([expect.stringContaining("is in China")]);
    expect(mistakes(azure("eu", "https://eastus2.api.cognitive.microsoft.com"))).toEqual([
      expect.stringContaining('endpoint: its location is not in region "eu"'),
    ]);
    expect(mistakes(azure("us", "https://swedencentral.api.cognitive.microsoft.com"))).toHaveLength(1);
    for (const endpoint of [
      "https://a.openai.azure.com",
      "https://a.services.ai.azure.com",
      "https://swedencentral.api.cognitive.microsoft.com",
    ]) {
      expect(mistakes(azure("eu", endpoint))).toEqual([]);
    }
    expect(mistakes(azure("us", "https://a.openai.azure.us"))).toEqual([]);
  });
});

test("a name that does not tell where it leads is a warning", () => {
  for (const kind of ["application-inference-profile", "prompt-router", "default-prompt-router", "prompt"]) {
    const { warnings } = load(bedrock("eu", "eu-central-1", ARN("eu-central-1", `${kind}/abc`)));
    expect(warnings).toEqual([
      expect.stringContaining(`models.claude.targets.0.model: the name of a ${kind.replaceAll("-", " ")} does not tell where it routes to`),
    ]);
  }
});

describe("the settings that workers read", () => {
  const settings = (fields: string): Record<string, unknown> => ({
    ...load(`upstreams: { up: { ${fields} } }\nmodels: { m: { targets: [{ upstream: up, model: m }] } }`).config.upstreams.up?.settings,
  });

  test("Bedrock: the partition's own address, each way to sign in, betas", () => {
    expect(settings("provider: bedrock, region: eu, aws_region: eu-central-1, betas: [a-2026-01-01]")).toEqual({
      awsRegion: "eu-central-1",
      endpoint: "https://bedrock-runtime.eu-central-1.amazonaws.com",
      credentials: { kind: "default" },
      betas: ["a-2026-01-01"],
    });
    expect(settings("provider: bedrock, region: eu, aws_region: eusc-de-east-1").endpoint).toBe(
      "https://bedrock-runtime.eusc-de-east-1.amazonaws.eu",
    );
    expect(settings("provider: bedrock, region: cn, aws_region: cn-north-1").endpoint).toBe(
      "https://bedrock-runtime.cn-north-1.amazonaws.com.cn",
    );
    expect(settings('provider: bedrock, region: eu, aws_region: eu-west-1, endpoint: "http://127.0.0.1:9/"').endpoint).toBe(
      "http://127.0.0.1:9",
    );
    const credentials = (fields: string) =>
      settings(`provider: bedrock, region: eu, aws_region: eu-west-1, credentials: { ${fields} }`).credentials;
    expect(credentials("access_key_id: a, secret_access_key: b")).toEqual({ kind: "static", accessKeyId: "a", secretAccessKey: "b" });
    expect(credentials("access_key_id: a, secret_access_key: b, session_token: c")).toMatchObject({ kind: "static", sessionToken: "c" });
    expect(credentials("bearer_token: t")).toEqual({ kind: "bearer", token: "t" });
    expect(credentials("profile: p")).toEqual({ kind: "profile", profile: "p" });
    expect(credentials('bearer_token: "${ABSENT:-}"')).toEqual({ kind: "default" });
  });

  test("Azure: v1 unless dated, the audience of each, each way to sign in", () => {
    const azureSettings = (fields: string) => settings(`provider: azure, region: eu, endpoint: "https://a.openai.azure.com/", ${fields}`);
    expect(azureSettings("credentials: { api_key: k }")).toEqual({
      endpoint: "https://a.openai.azure.com",
      api: "v1",
      allowStore: false,
      credentials: { kind: "key", apiKey: "k" },
      scope: "https://ai.azure.com/.default",
    });
    expect(azureSettings("api: 2024-10-21, credentials: { tenant_id: t, client_id: c, client_secret: s }")).toEqual({
      endpoint: "https://a.openai.azure.com",
      api: "2024-10-21",
      allowStore: false,
      credentials: {
        kind: "client_secret",
        tenantId: "t",
        clientId: "c",
        clientSecret: "s",
        authority: "https://login.microsoftonline.com",
      },
      scope: "https://cognitiveservices.azure.com/.default",
    });
    expect(
      azureSettings(
        'credentials: { tenant_id: t, client_id: c, token_file: /run/token, authority: "http://127.0.0.1:1/", scope: "api://x/.default" }',
      ),
    ).toMatchObject({
      credentials: { kind: "workload_identity", tenantId: "t", clientId: "c", tokenFile: "/run/token", authority: "http://127.0.0.1:1" },
      scope: "api://x/.default",
    });
  });

  test("a token file is meant from where the configuration lies, and not read: it is replaced while Weir runs", () => {
    const { config, file, read } = load(
      'upstreams: { up: { provider: azure, region: eu, endpoint: "https://a.openai.azure.com", credentials: { tenant_id: t, client_id: c, token_file: token } } }',
    );
    expect(config.upstreams.up?.settings).toHaveProperty("credentials.tokenFile", file?.replace("weir.yaml", "token"));
    expect([...read.keys()]).toEqual([file ?? ""]);
  });
});
