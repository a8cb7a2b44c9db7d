import { Type } from "@sinclair/typebox";
import { addressText, map, masked, secret, secureAddress, text } from "../fields.ts";
import type { ProviderSettings } from "../provider.ts";
import { tokenValidity } from "../validity.ts";
import type { AzureCredentials, AzureSettings } from "./settings.ts";
import { AZURE_FIELDS, azureTakes } from "./takes.ts";

/** Characters. Clients have ids that were sealed with the secret, and could try to guess it. */
const LEAST_STORE_SECRET = 20;
const AUTHORITY = "https://login.microsoftonline.com";
/** The v1 API has its own audience; dated versions take the older one. Source: learn.microsoft.com, "Troubleshoot common HTTP errors for Azure OpenAI" (401). */
const SCOPE_V1 = "https://ai.azure.com/.default";
const SCOPE_DATED = "https://cognitiveservices.azure.com/.default";

const schema = Type.Object(
  {
    endpoint: Type.String({
      title: "the resource's https:// address",
      minLength: 1,
      description: "Address of the Azure OpenAI resource, such as `https://acme.openai.azure.com`, without `/openai` and what follows it.",
    }),
    api: Type.String({
      title: '"v1" or a dated version such as 2024-10-21',
      pattern: "^(v1|20[0-9]{2}-[0-9]{2}-[0-9]{2}(-preview)?)$",
      default: "v1",
      description: "`v1`, or the api-version of the dated API. Reasoning models and the Responses API need `v1`.",
    }),
    allow_store: Type.Boolean({
      default: false,
      description:
        "Let clients have their answers kept by Azure: ask for them again, continue them (`previous_response_id`), change and delete them, and have them made in the background. The id of an answer is valid only in its own workspace. Prompts, conversations and single items that are kept there can be used by every client that knows their ids. Without this setting requests of the Responses API are sent with `store: false`, and chat completions with `store: true` are refused.",
    }),
    ...secret(
      "store_secret",
      "Secret that seals the ids of kept answers: any text of 20 characters or more, the same in every gateway that shares this upstream. Left out: the key or client secret of `credentials`; then a new key makes all earlier ids unknown. Needed with `allow_store` where `credentials` have neither.",
    ),
    ...secret(
      "store_secret_before",
      "The earlier `store_secret`, or the earlier key: ids that were sealed with it stay valid. Azure keeps an answer for 30 days.",
    ),
    credentials: Type.Object(
      {
        ...secret("api_key", "Key of the resource."),
        tenant_id: Type.Optional(Type.String({ description: "Microsoft Entra tenant." })),
        client_id: Type.Optional(
          Type.String({ description: "Application (client) id in that tenant, or the client id of a user-assigned managed identity." }),
        ),
        ...secret("client_secret", "Secret of the application, for client credentials."),
        token_file: Type.Optional(
          Type.String({
            description:
              "File with the federated token of a workload identity, in AKS the one that `AZURE_FEDERATED_TOKEN_FILE` names. Read again whenever a token is needed, since it is replaced while Weir runs.",
          }),
        ),
        managed_identity: Type.Optional(
          Type.Boolean({
            description:
              "`true`: the machine's own identity in Azure signs in (virtual machine, AKS node, App Service, Functions, Container Apps, Arc), and nothing secret is kept. With `client_id` it is the user-assigned identity of that id; without, the system-assigned one.",
          }),
        ),
        authority: Type.Optional(Type.String({ description: `Where tokens are asked for. Left out: \`${AUTHORITY}\`.` })),
        scope: Type.Optional(
          Type.String({
            description: `Audience of the token. Left out: \`${SCOPE_V1}\` under v1, \`${SCOPE_DATED}\` under a dated version.`,
          }),
        ),
      },
      {
        additionalProperties: false,
        description:
          "How to sign in: `api_key`; or `tenant_id` and `client_id` with `client_secret` or `token_file`; or `managed_identity`.",
      },
    ),
  },
  { additionalProperties: false },
);

/** Azure locations of a region, for addresses that contain a location (`https://westeurope.api.cognitive.microsoft.com`). */
const LOCATIONS: Readonly<Record<string, RegExp>> = {
  eu: /^(westeurope|northeurope|francecentral|francesouth|germanywestcentral|germanynorth|italynorth|polandcentral|spaincentral|swedencentral|swedensouth|switzerlandnorth|switzerlandwest|norwayeast|norwaywest|austriaeast|belgiumcentral|denmarkeast|uksouth|ukwest)$/,
  us: /^(eastus[23]?|westus[23]?|(north|south|west|southeast)?centralus|southeastus[35]?|usgov[a-z]+)$/,
  ch: /^switzerland(north|west)$/,
  uk: /^uk(south|west)$/,
};

/** Domains of sovereign clouds, each with the only region names that may use it. */
const SOVEREIGN: readonly { domain: string; regions: readonly string[]; place: string }[] = [
  { domain: ".azure.us", regions: ["us", "global"], place: "the United States" },
  { domain: ".azure.cn", regions: ["cn", "global"], place: "China" },
];

/** OpenAI's models on Azure. */
export const azure: ProviderSettings<AzureSettings> = {
  name: "azure",
  dialect: "openai",
  telemetryName: "azure.ai.openai",
  schema,

  resolve(fields) {
    const url = secureAddress("endpoint", text(fields, "endpoint") ?? "");
    if (/\/openai(\/|$)/.test(url.pathname)) {
      throw new Error(`endpoint: expected the resource's address alone, got a path with /openai in it; leave out /openai and what follows`);
    }
    const api = text(fields, "api") ?? "v1";
    const given = map(fields, "credentials");
    return {
      endpoint: addressText(url),
      api,
      allowStore: fields.allow_store === true,
      storeSecret: text(fields, "store_secret"),
      storeSecretBefore: text(fields, "store_secret_before"),
      credentials: credentials(given),
      scope: text(given, "scope") ?? (api === "v1" ? SCOPE_V1 : SCOPE_DATED),
    };
  },

  regionProblem(region, settings) {
    const host = new URL(settings.endpoint).hostname;
    const sovereign = SOVEREIGN.find(({ domain }) => host.endsWith(domain));
    // A sovereign cloud serves only its own regions.
    if (sovereign !== undefined && !sovereign.regions.includes(region))
      return `endpoint: it is in ${sovereign.place}, not in region "${region}"`;
    const location = /^([a-z0-9]+)\.api\.cognitive\.microsoft\.com$/.exec(host)?.[1];
    const known = LOCATIONS[region];
    if (location !== undefined && known !== undefined && !known.test(location))
      return `endpoint: its location is not in region "${region}"`;
    return undefined;
  },

  // A deployment's name is chosen by the operator: it does not show whether the deployment is Standard, Data Zone or Global.
  modelProblem: () => undefined,
  modelDoubt: () => undefined,

  controls: Type.Object({}),

  keeping({ allowStore, api, endpoint, credentials, storeSecret, storeSecretBefore }) {
    // Dated versions have no Responses API.
    if (!allowStore || api !== "v1") return undefined;
    for (const [name, value] of Object.entries({ store_secret: storeSecret, store_secret_before: storeSecretBefore }))
      if (value !== undefined && value.length < LEAST_STORE_SECRET)
        throw new Error(`${name}: expected ${LEAST_STORE_SECRET} characters or more, got ${value.length}`);
    const secret = storeSecret ?? secretOf(credentials);
    if (secret === undefined)
      throw new Error("store_secret: expected one beside allow_store, since these credentials have no key and no client secret");
    return { place: endpoint, secrets: storeSecretBefore === undefined ? [secret] : [secret, storeSecretBefore] };
  },

  reserved: [],
  fields: AZURE_FIELDS,
  accepts: azureTakes,

  validity({ credentials }) {
    // Only Entra knows when an application's secret ends, and the program that writes `token_file` renews the token.
    return credentials.kind === "key" ? tokenValidity(credentials.apiKey) : undefined;
  },

  summary({ endpoint, api, credentials }) {
    return `${endpoint} · api ${api} · ${credentialsSummary(credentials)}`;
  },
};

/** The secret in these credentials; undefined where a file or the machine has it. */
function secretOf(credentials: AzureCredentials): string | undefined {
  if (credentials.kind === "key") return credentials.apiKey;
  return credentials.kind === "client_secret" ? credentials.clientSecret : undefined;
}

function credentialsSummary(credentials: AzureCredentials): string {
  switch (credentials.kind) {
    case "key":
      return `key ${masked(credentials.apiKey)}`;
    case "managed_identity":
      return credentials.clientId === undefined ? "managed identity of the machine" : `managed identity ${masked(credentials.clientId)}`;
    default:
      return `Entra ${credentials.kind.replace("_", " ")}, client ${masked(credentials.clientId)}`;
  }
}

/** @throws Error where not exactly one kind of credentials is set, or a part of it is missing */
function credentials(fields: Record<string, unknown>): AzureCredentials {
  const apiKey = text(fields, "api_key");
  const clientSecret = text(fields, "client_secret");
  const tokenFile = text(fields, "token_file");
  const isManaged = fields.managed_identity === true;
  const ways = [
    apiKey !== undefined && "api_key",
    clientSecret !== undefined && "client_secret",
    tokenFile !== undefined && "token_file",
    isManaged && "managed_identity",
  ].filter(Boolean);
  if (ways.length !== 1) {
    throw new Error(
      `credentials: expected one of api_key, client_secret, token_file or managed_identity, got ${ways.length === 0 ? "none" : ways.join(" and ")}`,
    );
  }
  const tenantId = text(fields, "tenant_id");
  const clientId = text(fields, "client_id");
  if (apiKey !== undefined) {
    if (tenantId !== undefined || clientId !== undefined)
      throw new Error("credentials: expected api_key alone, got tenant_id or client_id beside it");
    return { kind: "key", apiKey };
  }
  if (isManaged) {
    for (const name of ["tenant_id", "authority"])
      if (text(fields, name) !== undefined)
        throw new Error(`credentials.${name}: expected nothing beside managed_identity, whose machine knows it, got a value`);
    return { kind: "managed_identity", clientId };
  }
  if (tenantId === undefined) throw new Error(`credentials.tenant_id: expected it beside ${ways[0]}, got nothing`);
  if (clientId === undefined) throw new Error(`credentials.client_id: expected it beside ${ways[0]}, got nothing`);
  const authority = addressText(secureAddress("credentials.authority", text(fields, "authority") ?? AUTHORITY));
  if (clientSecret !== undefined) return { kind: "client_secret", tenantId, clientId, clientSecret, authority };
  return { kind: "workload_identity", tenantId, clientId, tokenFile: tokenFile ?? "", authority };
}
