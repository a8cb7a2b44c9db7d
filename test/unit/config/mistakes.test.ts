// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the notation under test
import { describe, expect, test } from "bun:test";
import { providers } from "../../../src/providers/index.ts";
import { AZURE_EU, BEDROCK_EU, load, mistakes, SMALL } from "../../support/config-sample.ts";

const ORIGIN = "an origin such as https://app.example or http://localhost:3000: a scheme and a host, without a path or a slash at the end";
const SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const upstream = (fields: string) => `${SMALL}`.replace("aws_region: eu-central-1 }", `aws_region: eu-central-1, ${fields} }`);
const azure = (fields: string) =>
  `upstreams: { azure-eu: { provider: azure, region: eu, ${fields} } }\nmodels: { gpt-5: { targets: [{ upstream: azure-eu, model: m }] } }`;
const PROVIDERS = [...providers.keys()].join(" or ");
const keys = (list: string) => SMALL.replace("acme: {}", `acme: { keys: [${list}] }`);

/** What is written → what is told of it. One mistake each. */
const told: Record<string, [yaml: string, message: string]> = {
  "a setting that does not exist": [
    `${SMALL}\nsever: {}`,
    'line 8: sever: is not a setting (did you mean "server"?); expected one of server, admin, processes, workers, redis, directory, log, limits, timeouts, strict_parameters, upstreams, models, workspaces',
  ],
  "a setting in another spelling": [
    `${SMALL}\nserver: { maxBody: 1MB }`,
    'line 8: server.maxBody: is not a setting (did you mean "max_body"?); expected one of host, port, max_body, max_buffered, max_calls, max_connections, head_timeout, body_timeout, reader_timeout, idle_timeout, drain_timeout, drain_grace, tls, trusted_proxies, server_timing, cors',
  ],
  "a setting of another provider": [
    upstream("api: v1"),
    "line 2: upstreams.bedrock-eu.api: is not a setting; expected one of provider, region, timeouts, max_calls, accepts, ca_file, aws_region, endpoint, credentials, betas, controls",
  ],
  "a number out of range": [
    `${SMALL}\nserver: { port: 65536 }`,
    "line 8: server.port: expected a whole number from 0 to 65535, got the number 65536",
  ],
  "a proxy that is no address": [
    `${SMALL}\nserver: { trusted_proxies: [10.0.0.0/8, loadbalancer] }`,
    "line 8: server.trusted_proxies.1: expected an address or a network such as 10.0.0.0/8, got other text",
  ],
  "a network of too many bits": [
    `${SMALL}\nserver: { trusted_proxies: [10.0.0.0/33] }`,
    "line 8: server.trusted_proxies.0: expected an address or a network such as 10.0.0.0/8 or fd00::/8, got other text",
  ],
  "an origin with a slash at its end": [
    `${SMALL}\nserver: { cors: { origins: ["https://app.example", "https://app.example/"] } }`,
    `line 8: server.cors.origins.1: expected ${ORIGIN}, got other text`,
  ],
  "an origin with a path": [
    `${SMALL}\nserver: { cors: { origins: ["https://app.example/chat"] } }`,
    `line 8: server.cors.origins.0: expected ${ORIGIN}, got other text`,
  ],
  "an origin without a scheme": [
    `${SMALL}\nserver: { cors: { origins: [app.example] } }`,
    `line 8: server.cors.origins.0: expected ${ORIGIN}, got other text`,
  ],
  "a star in the list of origins": [
    `${SMALL}\nserver: { cors: { origins: ["*"] } }`,
    `line 8: server.cors.origins.0: expected ${ORIGIN}, got other text`,
  ],
  "one origin that is no list": [
    `${SMALL}\nserver: { cors: { origins: "https://app.example" } }`,
    'line 8: server.cors.origins: expected "*" or a list of origins such as https://app.example, got other text',
  ],
  "no origins": [
    `${SMALL}\nserver: { cors: { max_age: 1h } }`,
    'line 8: server.cors.origins: expected "*" or a list of origins such as https://app.example, got nothing',
  ],
  "a share of calls that is none": [
    `${SMALL}\nlog: { sample: 1.5 }`,
    "line 8: log.sample: expected a number from 0 to 1, got the number 1.5",
  ],
  "a text for a number": [
    `${SMALL}\nlimits: { rpm: lots }`,
    "line 8: limits.rpm: expected a whole number from 1 to 1000000000, got other text",
  ],
  "a number for a duration": [
    `${SMALL}\ntimeouts: { connect: 5 }`,
    "line 8: timeouts.connect: expected a duration such as 50ms, 5s, 2m or 1h, got a number",
  ],
  "a duration without a unit": [
    `${SMALL}\ntimeouts: { connect: "5" }`,
    "line 8: timeouts.connect: expected a duration such as 50ms, 5s, 2m or 1h, got other text",
  ],
  "a duration that is too long": [
    `${SMALL}\ntimeouts: { total: 25h }`,
    "line 8: timeouts.total: expected a duration from 1ms to 24h, got 25h",
  ],
  "a clock of nothing": [`${SMALL}\ntimeouts: { connect: 0s }`, "line 8: timeouts.connect: expected a duration from 1ms to 24h, got 0ms"],
  "a size with an odd unit": [
    `${SMALL}\nserver: { max_body: 3 loaves }`,
    "line 8: server.max_body: expected a size such as 32MiB, 10MB or a number of bytes, got other text",
  ],
  "a choice that is none": [
    `${SMALL}\nlimits: { reserve_output: max_token }`,
    'line 8: limits.reserve_output: expected "expected" or "max_tokens", got other text (did you mean "max_tokens"?)',
  ],
  "a number for a text": [
    `${SMALL}\nredis: { url: "redis://a", password: 123456 }`,
    "line 8: redis.password: expected text, got a number; put it in quotes",
  ],
  "a truth value of another language": [
    `${SMALL}\nstrict_parameters: yes`,
    "line 8: strict_parameters: expected true or false, got other text",
  ],
  "no processes": [`${SMALL}\nprocesses: 0`, 'line 8: processes: expected "auto" or a number of processes from 1 to 256, got the number 0'],
  "fewer than no threads": [
    `${SMALL}\nworkers: -1`,
    'line 8: workers: expected "auto" or a number of threads from 0 to 256, got the number -1',
  ],
  "a list for a map": [`${SMALL}\nserver: []`, "line 8: server: expected a map, got a list"],
  "an empty value": [`${SMALL}\nserver: { host: }`, "line 8: server.host: expected text, got nothing"],
  "a name with a blank": [
    SMALL.replace("acme:", "a b:"),
    "line 6: workspaces.…: expected a name of letters, digits, dots, underscores and hyphens, at most 64 of them",
  ],
  "an unknown provider": [
    "upstreams: { a: { provider: bedrok } }",
    `line 1: upstreams.a: expected provider: ${PROVIDERS}, got other text (did you mean "bedrock"?)`,
  ],
  "no provider": ["upstreams: { a: { region: eu } }", `line 1: upstreams.a: expected provider: ${PROVIDERS}, got no provider`],
  "no region": [
    "upstreams: { a: { provider: bedrock, aws_region: eu-central-1 } }",
    "line 1: upstreams.a.region: expected a region's name in lower case, such as eu or us, got nothing",
  ],
  "a region that looks like part of a path": [
    SMALL.replace("region: eu,", "region: v1,"),
    'line 2: upstreams.bedrock-eu.region: expected the name of a region, got "v1", which is part of every path',
  ],
  "no upstream at all": ["server: {}", "upstreams: expected at least one upstream, got none"],
  "an empty list of models": [
    `upstreams: { ${BEDROCK_EU} }\nmodels: {}`,
    "line 2: models: expected at least one model that these upstreams serve, got none; leave it out for the whole catalogue",
  ],
  "upstreams that the catalogue has nothing for": [
    "upstreams: { b: { provider: bedrock, region: ch, aws_region: eu-central-2 } }",
    "models: expected at least one model that these upstreams serve, got none; the catalogue has none for these regions, so list them",
  ],
  "a target at an unknown upstream": [
    SMALL.replace("upstream: bedrock-eu", "upstream: bedrok-eu"),
    'line 4: models.claude.targets.0.upstream: expected the name of an upstream, got another text (did you mean "bedrock-eu"?); there are bedrock-eu',
  ],
  "a model without targets": [
    SMALL.replace(/\{ targets: .*\}/, "{ targets: [] }"),
    "line 4: models.claude.targets: expected a list of at least one, got a list",
  ],
  "targets of two dialects": [
    `upstreams: { ${BEDROCK_EU}, ${AZURE_EU} }\nmodels: { m: { targets: [{ upstream: bedrock-eu, model: a }, { upstream: azure-eu, model: b }] } }`,
    "line 2: models.m.targets: expected targets that speak one dialect, got two: bedrock-eu speaks anthropic, azure-eu speaks openai",
  ],
  "models that differ by capitals": [
    `upstreams: { ${AZURE_EU} }\nmodels:\n  gpt-5: { targets: [{ upstream: azure-eu, model: b }] }\n  GPT-5: { targets: [{ upstream: azure-eu, model: b }] }`,
    'line 4: models.GPT-5: expected names that differ by more than capital letters, got "gpt-5" and "GPT-5"',
  ],
  "a model called other": [
    `upstreams: { ${AZURE_EU} }\nmodels:\n  other: { targets: [{ upstream: azure-eu, model: b }] }`,
    'line 3: models.other: expected another name, got "other", which metrics use for unknown models',
  ],
  "exact counting of a model without a public table": [
    SMALL.replace("claude: { targets", "claude: { estimate: exact, targets"),
    'line 4: models.claude.estimate: expected fast, got "exact" for a model whose tokens cannot be counted exactly; claude-3 has no public token table',
  ],
  "a workspace's model that nobody serves": [
    SMALL.replace("acme: {}", "acme: { models: { claud: {} } }"),
    'line 6: workspaces.acme.models.claud: expected targets, or the name of a shared model (did you mean "claude"?)',
  ],
  "a default region that nobody serves": [
    SMALL.replace("acme: {}", "acme: { default_region: us }"),
    "line 6: workspaces.acme.default_region: expected a region that serves a model to this workspace (eu), got another text",
  ],
  "an own upstream with a shared one's name": [
    SMALL.replace(
      "acme: {}",
      "acme: { upstreams: { bedrock-eu: { provider: bedrock, region: eu, aws_region: eu-west-1 } }, models: { m: { targets: [{ upstream: bedrock-eu, model: m }] } } }",
    ),
    'line 6: workspaces.acme.upstreams.bedrock-eu: expected a name that is not taken, got that of the shared upstream "bedrock-eu"',
  ],
  "a digest that is none": [
    keys("{ name: ci, sha256: weir_oops }"),
    "line 6: workspaces.acme.keys.0.sha256: expected 64 hexadecimal digits, the SHA-256 of the whole key (printf %s KEY | sha256sum), got other text",
  ],
  "a key that stands twice": [
    `${keys(`{ name: ci, sha256: ${SHA} }`)}  beta: { keys: [{ name: x, sha256: ${SHA.toUpperCase()} }] }`,
    'line 7: workspaces.beta.keys.0.sha256: expected a key that is not in use, got the same as "ci" of workspace "acme"',
  ],
  "the key of the example, which everybody knows": [
    keys("{ name: ci, sha256: EB499340c74719046b7b96fe0a66afaef75faf4922b9a6ed53b352ac6a1be365 }"),
    'line 6: workspaces.acme.keys.0.sha256: expected the digest of a key of your own, got that of "weir_example", which everybody can read in the example',
  ],
  "the digest of nothing": [
    keys("{ name: ci, sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 }"),
    "line 6: workspaces.acme.keys.0.sha256: expected the digest of a key of your own, got that of an empty text",
  ],
  "credentials with a line break": [
    upstream('credentials: { bearer_token: "one\\ntwo" }'),
    "line 2: upstreams.bedrock-eu.credentials.bearer_token: expected a secret of one line, got one with a line break in it",
  ],
  "a password with a control character": [
    `${SMALL}\nredis: { url: "redis://a", password: "a\\u0007b" }`,
    "line 8: redis.password: expected a secret of one line, got one with a control character in it",
  ],
  "two keys of one name": [
    keys(`{ name: ci, sha256: ${SHA} }, { name: ci, sha256: ${SHA.replace("9", "8")} }`),
    'line 6: workspaces.acme.keys.1.name: expected a name that is not taken, got "ci" a second time',
  ],
  "a day that no calendar has": [
    keys(`{ name: ci, sha256: ${SHA}, expires_at: 2027-13-01 }`),
    "line 6: workspaces.acme.keys.0.expires_at: expected a time such as 2027-01-01T00:00:00Z, got a date that does not exist",
  ],
  "a day that its month has not": [
    keys(`{ name: ci, sha256: ${SHA}, expires_at: 2027-02-30 }`),
    "line 6: workspaces.acme.keys.0.expires_at: expected a time such as 2027-01-01T00:00:00Z, got a date that does not exist",
  ],
  "a time in words": [
    keys(`{ name: ci, sha256: ${SHA}, expires_at: tomorrow }`),
    "line 6: workspaces.acme.keys.0.expires_at: expected a time such as 2027-01-01T00:00:00Z, got other text",
  ],
  "an admin listener that others reach, without a token": [
    `${SMALL}\nadmin: { host: 0.0.0.0 }`,
    "line 8: admin.token: expected a token because admin.host is an address that other machines can reach, got nothing; set it, or bind 127.0.0.1",
  ],
  "a token that no header can carry": [
    `${SMALL}\nadmin: { token: "for you" }`,
    "line 8: admin.token: expected printable ASCII without blanks, since it travels in a header, got other text",
  ],
  "two listeners on one port": [
    `${SMALL}\nadmin: { port: 8080 }`,
    "line 8: admin.port: expected one port for the public listener and another one for the admin listener, got 8080 for both",
  ],
  "a Redis of two kinds": [
    `${SMALL}\nredis: { url: "redis://a", cluster: ["redis://b:1"] }`,
    "line 8: redis: expected one of url, cluster or sentinel, got url and cluster",
  ],
  "a Redis of no kind": [
    `${SMALL}\nredis: { timeout: 50ms }`,
    "line 8: redis: expected one of url, cluster or sentinel, got none; leave redis out to keep limits in memory",
  ],
  "a password in an address, which is not repeated": [
    `${SMALL}\nredis: { cluster: ["redis://:sesame@10.0.0.1:6379"] }`,
    "line 8: redis.cluster.0: expected an address such as redis://10.0.0.1:6379, got other text",
  ],
  "a Redis of another protocol": [
    `${SMALL}\nredis: { url: "http://me:secret@a" }`,
    "line 8: redis.url: expected an address such as redis://10.0.0.1:6379 or rediss:// for TLS, got other text",
  ],
  "a wait for Redis that is too long": [
    `${SMALL}\nredis: { url: "redis://a", timeout: 1m }`,
    "line 8: redis.timeout: expected a duration from 1ms to 10s, got 1m; every call may wait that long",
  ],
  "a sentinel without a port": [
    `${SMALL}\nredis: { sentinel: { name: weir, nodes: [a] } }`,
    "line 8: redis.sentinel.nodes.0: expected an address such as 10.0.0.1:26379, got other text",
  ],

  "Bedrock signed in to in two ways": [
    upstream("credentials: { access_key_id: a, secret_access_key: b, profile: c }"),
    "line 2: upstreams.bedrock-eu.credentials: expected one way to sign in, got static keys (access_key_id) and profile",
  ],
  "an access key without its secret": [
    upstream("credentials: { access_key_id: a }"),
    "line 2: upstreams.bedrock-eu.credentials.secret_access_key: expected it beside access_key_id, got nothing",
  ],
  "a secret without its access key": [
    upstream("credentials: { secret_access_key: a }"),
    "line 2: upstreams.bedrock-eu.credentials.access_key_id: expected it beside secret_access_key, got nothing",
  ],
  "an endpoint that is no address": [upstream("endpoint: here"), "line 2: upstreams.bedrock-eu.endpoint: expected an https:// address"],
  "an endpoint in clear": [
    upstream('endpoint: "http://10.0.0.1"'),
    "line 2: upstreams.bedrock-eu.endpoint: expected https://, got http:// to another machine; prompts and credentials would travel in clear",
  ],
  "an AWS region that is none": [
    SMALL.replace("eu-central-1", "frankfurt"),
    "line 2: upstreams.bedrock-eu.aws_region: expected an AWS region such as eu-central-1, got other text",
  ],
  "a guardrail without its version": [
    upstream("controls: { guardrail: { id: abc } }"),
    'line 2: upstreams.bedrock-eu.controls.guardrail: expected "off" or a guardrail with id and version, got a map',
  ],
  "a service tier that there is not": [
    upstream("controls: { service_tier: gold }"),
    'line 2: upstreams.bedrock-eu.controls.service_tier: expected "default" or "priority" or "flex" or "reserved", got other text',
  ],
  "a tag with a name in braces that no call has": [
    upstream('controls: { request_metadata: { a: "{team}" } }'),
    "line 2: upstreams.bedrock-eu.controls.request_metadata.a: expected a text of letters, digits, blanks and :_@$#=/+,.- with {workspace} and {key} for the call's own, got other text",
  ],
  "too many tags": [
    upstream(`controls: { request_metadata: { ${Array.from({ length: 17 }, (_, at) => `t${at}: a`).join(", ")} } }`),
    "line 2: upstreams.bedrock-eu.controls.request_metadata: expected at most 16 tags, got a map",
  ],
  "a guardrail on a cloud that has none": [
    `${azure("endpoint: https://a.openai.azure.com, credentials: { api_key: a }").replace("targets:", "controls: { service_tier: flex }, targets:")}`,
    'line 2: models.gpt-5.controls.service_tier: expected a control that every target\'s cloud has, got one that azure, the cloud of "azure-eu", does not have',
  ],
  "controls of an upstream whose cloud has none": [
    azure("endpoint: https://a.openai.azure.com, credentials: { api_key: a }, controls: { service_tier: flex }"),
    "line 1: upstreams.azure-eu.controls: is not a setting; expected one of provider, region, timeouts, max_calls, accepts, ca_file, endpoint, api, allow_store, store_secret, store_secret_file, store_secret_before, store_secret_before_file, credentials",
  ],
  "a managed identity beside a key": [
    azure("endpoint: https://a.openai.azure.com, credentials: { managed_identity: true, api_key: a }"),
    "line 1: upstreams.azure-eu.credentials: expected one of api_key, client_secret, token_file or managed_identity, got api_key and managed_identity",
  ],
  "a managed identity with a tenant": [
    azure("endpoint: https://a.openai.azure.com, credentials: { managed_identity: true, tenant_id: a }"),
    "line 1: upstreams.azure-eu.credentials.tenant_id: expected nothing beside managed_identity, whose machine knows it, got a value",
  ],
  "a managed identity by its id alone": [
    azure("endpoint: https://a.openai.azure.com, credentials: { managed_identity: some-id }"),
    "line 1: upstreams.azure-eu.credentials.managed_identity: expected true or false, got other text",
  ],
  "Azure without credentials": [
    azure("endpoint: https://a.openai.azure.com, credentials: {}"),
    "line 1: upstreams.azure-eu.credentials: expected one of api_key, client_secret, token_file or managed_identity, got none",
  ],
  "Azure signed in to in two ways": [
    azure("endpoint: https://a.openai.azure.com, credentials: { api_key: a, client_secret: b }"),
    "line 1: upstreams.azure-eu.credentials: expected one of api_key, client_secret, token_file or managed_identity, got api_key and client_secret",
  ],
  "kept answers without anything to seal their ids with": [
    azure("endpoint: https://a.openai.azure.com, allow_store: true, credentials: { tenant_id: t, client_id: c, token_file: ./t }"),
    "line 1: upstreams.azure-eu.store_secret: expected one beside allow_store, since these credentials have no key and no client secret",
  ],
  "a short secret for the ids of kept answers": [
    azure("endpoint: https://a.openai.azure.com, allow_store: true, store_secret: short, credentials: { api_key: a }"),
    "line 1: upstreams.azure-eu.store_secret: expected 20 characters or more, got 5",
  ],
  "a client secret without its tenant": [
    azure("endpoint: https://a.openai.azure.com, credentials: { client_secret: b, client_id: c }"),
    "line 1: upstreams.azure-eu.credentials.tenant_id: expected it beside client_secret, got nothing",
  ],
  "a workload identity without its client": [
    azure("endpoint: https://a.openai.azure.com, credentials: { token_file: b, tenant_id: c }"),
    "line 1: upstreams.azure-eu.credentials.client_id: expected it beside token_file, got nothing",
  ],
  "an api version that is none": [
    azure("api: 2024, endpoint: https://a.openai.azure.com, credentials: { api_key: a }"),
    'line 1: upstreams.azure-eu.api: expected "v1" or a dated version such as 2024-10-21, got a number',
  ],
  "an Azure address with the path of a call": [
    azure("endpoint: https://a.openai.azure.com/openai/v1/, credentials: { api_key: a }"),
    "line 1: upstreams.azure-eu.endpoint: expected the resource's address alone, got a path with /openai in it; leave out /openai and what follows",
  ],
  "a password in an address": [
    azure("endpoint: https://me:secret@a.openai.azure.com, credentials: { api_key: a }"),
    "line 1: upstreams.azure-eu.endpoint: expected an address without a user or password in it; put them under credentials",
  ],
  "an authority in clear": [
    azure("endpoint: https://a.openai.azure.com, credentials: { client_id: a, tenant_id: b, client_secret: c, authority: http://login }"),
    "line 1: upstreams.azure-eu.credentials.authority: expected https://, got http:// to another machine; prompts and credentials would travel in clear",
  ],

  "a key that stands twice in YAML": ["server: {}\nserver: {}", 'line 2: expected each name once, got "server" here and on line 1'],
  "a variable without quotes between braces": [
    "server: { host: ${HOST} }\nadmin: { token: ${TOKEN} }\nlimits: { rpm: 1 }",
    'line 1: expected quotes around a "${…}" between braces or brackets; write "${NAME}" with the quotes',
  ],
  "a variable without quotes in a list": [
    "redis: { cluster: [${A}, ${B}] }",
    'line 1: expected quotes around a "${…}" between braces or brackets; write "${NAME}" with the quotes',
  ],
  "a name that stands twice, far apart": [
    "limits:\n  rpm: 1\n  tpm: 2\n  rpm: 3",
    'line 4: expected each name once, got "rpm" here and on line 2',
  ],
  "a quote that is not closed, told once": [
    'server: { host: "a, port: 1 }\nadmin: { port: 2 }\nlimits: { rpm: 1 }',
    'line 3: expected a closing quote, brace or bracket, a comma, or a ":" here or before',
  ],
  "a brace that is not closed": [
    "server: { port: 1\nadmin: { port: 2 }\n",
    'line 2: expected a "}" here or before, which closes the "{" of a line above',
  ],
  "a bracket that is not closed at the end": [
    "limits: { rpm: 1 }\nredis: { cluster: [redis://a:1\n",
    'line 3: expected a "]" here or before, which closes the "[" of a line above',
  ],
  "a map in the place of a name": ["server: { ? { a: 1 } : 2 }", "line 1: expected a text as the name of a setting, got a list or a map"],
  "a tag": ["server: !Ref x", 'line 1: expected plain YAML, got a tag ("!…"); put text that begins with "!" in quotes'],
  "an alias without an anchor": [
    "server: {}\nadmin: { token: *secret }",
    'line 2: expected an alias ("*name") to follow its anchor ("&name"); put text that begins with "*" in quotes',
  ],
  "a file that is a list": ["- server", "expected a map, got a list"],
};

describe("each mistake is told once, with its line, its path and what was expected", () => {
  for (const [name, [yaml, message]] of Object.entries(told)) test(name, () => expect(mistakes(yaml)).toEqual([message]));
});

describe("several mistakes", () => {
  test("are told at once, in the order of the file: of the environment, of the shape and between places", () => {
    expect(
      mistakes(`
server: { prot: 1 }
upstreams:
  a: { provider: bedrock, region: eu, aws_region: us-east-1 }
  b: { provider: azure, region: eu, endpoint: "https://a.openai.azure.com", credentials: { api_key: "\${KEY}" } }
  c: { provider: bedrock, region: eu, aws_region: eu-central-1 }
models:
  one: { targets: [{ upstream: b, model: m, wieght: 2 }] }
  two: { targets: [{ upstream: a, model: m }, { upstream: c, model: global.anthropic.claude-opus-5 }] }
  three: { targets: [{ upstream: nowhere, model: m }] }
workspaces:
  acme: { keys: [{ name: ci, sha256: 12 }] }
`),
    ).toEqual([
      expect.stringContaining("line 2: server.prot: is not a setting"),
      expect.stringContaining('line 4: upstreams.a.aws_region: us-east-1 is not in region "eu"'),
      expect.stringContaining("line 5: upstreams.b.credentials.api_key: expected the environment variable KEY"),
      expect.stringContaining('line 8: models.one.targets.0.wieght: is not a setting (did you mean "weight"?)'),
      expect.stringContaining('line 9: models.two.targets.1.model: it is an inference profile of "global"'),
      expect.stringContaining("line 10: models.three.targets.0.upstream: expected the name of an upstream, got another text"),
      expect.stringContaining("line 12: workspaces.acme.keys.0.sha256: expected 64 hexadecimal digits"),
    ]);
  });

  test("one slip brings no others with it", () => {
    // Neither "no credentials", nor "unknown upstream", nor "no models".
    expect(mistakes(azure('endpoint: "${NOT_SET}", credentials: { api_key: "${NOT_SET_EITHER}" }'))).toHaveLength(2);
    expect(
      mistakes(
        "upstreams: { b: { provider: bedrock, region: eu, aws_region: us-east-1 } }\nworkspaces: { a: { default_region: eu, models: { claude-opus-5: {} } } }",
      ),
    ).toHaveLength(1);
    expect(mistakes("upstreams: []\nmodels: { m: { targets: [{ upstream: a, model: b }] } }")).toHaveLength(2);
  });

  test("an invalid item of a list is told with its place, and the ones after it too", () => {
    expect(mistakes(keys(`7, { name: a, sha256: 1 }`))).toEqual([
      expect.stringContaining("workspaces.acme.keys.0: expected a map, got a number"),
      expect.stringContaining("workspaces.acme.keys.1.sha256: expected 64"),
    ]);
  });
});

describe("a secret never stands in a message", () => {
  const SECRET = "hunter2-hunter2";
  const written = {
    "in the wrong type": upstream(`credentials: ${SECRET}`),
    "under a misspelt setting": upstream(`credentials: { bearer_tokn: ${SECRET} }`),
    "in another field of the credentials": upstream(`credentials: { profile: { a: ${SECRET} } }`),
    "as a list": upstream(`credentials: { bearer_token: [${SECRET}] }`),
    "in a line that is no YAML": `${SMALL}\nadmin: { token: "${SECRET} }`,
    "after an unclosed brace": `${SMALL}\nadmin: { token: ${SECRET}`,
    "as a tag": `${SMALL}\nadmin: { token: !${SECRET} }`,
    "as an alias": `${SMALL}\nadmin: { token: *${SECRET} }`,
    "as a block's header": `${SMALL}\nadmin:\n  token: |${SECRET}\n`,
    "after a stray quote": `${SMALL}\nadmin: { token: "a"${SECRET} }`,
    "in an address of Redis": `${SMALL}\nredis: { url: "htp://:${SECRET}@a" }`,
    "in an address of a cluster": `${SMALL}\nredis: { url_file: "" , password: "${SECRET}", cluster: 7 }`,
    "where a digest belongs": keys(`{ name: ci, sha256: ${SECRET} }`),
    "in an endpoint": upstream(`endpoint: "https://${SECRET}@a.example"`),
  };
  for (const [name, yaml] of Object.entries(written)) {
    test(name, () => {
      const found = mistakes(yaml);
      expect(found.length).toBeGreaterThan(0);
      expect(found.join("\n")).not.toContain(SECRET);
    });
  }

  test("from the environment, wherever it is put", () => {
    const environment = { S: SECRET };
    for (const yaml of [
      `${SMALL}\nserver: { port: "\${S}" }`,
      `${SMALL}\nworkers: "\${S}"`,
      SMALL.replace("aws_region: eu-central-1", 'aws_region: "${S}"'),
      `${SMALL}\nredis: { url: "\${S}" }`,
    ]) {
      const found = mistakes(yaml, { environment });
      expect(found).toHaveLength(1);
      expect(found.join()).not.toContain(SECRET);
    }
  });
});

describe("what works and is probably not meant is a warning", () => {
  test("expired keys, short tokens, unused upstreams, nobody to call", () => {
    const { warnings } = load(`
admin: { token: short }
upstreams: { ${BEDROCK_EU}, ${AZURE_EU} }
models: { claude: { targets: [{ upstream: bedrock-eu, model: eu.anthropic.claude-sonnet-4-6 }] } }
workspaces: { acme: { keys: [{ name: old, sha256: ${SHA}, expires_at: 2026-01-01 }] } }
`);
    expect(warnings).toEqual([
      expect.stringContaining("line 2: admin.token: is short"),
      "line 3: upstreams.azure-eu: no model uses it",
      'line 5: workspaces.acme.keys.0.expires_at: the key "old" has expired',
    ]);
    expect(load(SMALL.replace(/workspaces:.*/s, "")).warnings).toEqual(["workspaces: there are none, so no client can call"]);
  });

  test("a plain id of a model that needs a profile, with the profile to write", () => {
    const plain = (model: string) => load(SMALL.replace("model: eu.anthropic.claude-sonnet-4-6", `model: "${model}"`)).warnings;
    const cure = "is the plain id of a model that is served through inference profiles only; write eu.anthropic.claude-sonnet-4-6";
    expect(plain("anthropic.claude-sonnet-4-6")).toEqual([`line 4: models.claude.targets.0.model: ${cure}`]);
    expect(plain("arn:aws:bedrock:eu-central-1::foundation-model/anthropic.claude-sonnet-4-6")).toEqual([expect.stringContaining(cure)]);
    expect(plain("eu.anthropic.claude-sonnet-4-6")).toEqual([]);
    expect(plain("anthropic.claude-3-haiku-20240307-v1:0")).toEqual([expect.stringContaining("is retired upstream")]);
    expect(plain("anthropic.claude-3-5-haiku-20241022-v1:0")).toEqual([
      expect.stringContaining("write its profile for this region, if there is one"),
    ]);
  });

  test("a model that is retired upstream, under whatever name, from its day on", () => {
    const withModel = (name: string, model: string) =>
      `upstreams: { ${AZURE_EU} }\nmodels: { ${name}: { targets: [{ upstream: azure-eu, model: ${model} }] } }\nworkspaces: { a: {} }`;
    expect(load(withModel("fast", "gpt-4o")).warnings).toEqual([
      "line 2: models.fast: gpt-4o is retired upstream since 2026-10-01; calls will fail",
    ]);
    expect(load(withModel("gpt-5", "gpt-5")).warnings).toEqual([]);
  });
});
