/** The form of all kinds of requests to Azure OpenAI, and what they have in common. */
import { type ByteText, encodeUtf8 } from "../../../src/contract/bytes.ts";
import type { Member } from "../../../src/contract/json.ts";
import type { Keeping } from "../../../src/contract/kept.ts";
import { remembered } from "../../remembered.ts";
import type { Job, Reader } from "../provider.ts";
import type { ErrorContext } from "./errors.ts";
import type { Takes } from "./takes.ts";

/** Settings that an operation needs, as `src/providers/azure/azure.ts` resolves them. */
export interface AzureApi {
  /** `v1`, or a dated api-version. */
  api: string;
  /** Whether the client may have its answers stored, and refer to stored ones. */
  allowStore: boolean;
}

export const V1 = "v1";

/** One kind of request to Azure OpenAI. */
export interface AzureOperation {
  /** Default: POST. */
  method?: "GET" | "POST" | "DELETE";
  /** The path below `/openai/v1/`, or below a deployment of a dated API. */
  path: string | ((job: Job) => string);
  /**
   * The client's body with the changes that Azure needs; every other byte stays.
   * @throws GatewayError `invalid_request` for what this upstream cannot do.
   */
  body(job: Job, api: AzureApi, takes: Takes): ByteText;
  /** @param keeping - Undefined where the upstream keeps no answers. */
  reader(job: Job, place: ErrorContext, keeping: Keeping | undefined): Reader;
}

const naming = remembered((model): Readonly<Record<string, ByteText>> => ({ model: encodeUtf8(JSON.stringify(model)) }));
const NOTHING: Readonly<Record<string, ByteText>> = {};

/** The change that names the deployment in the body, for an API whose path does not name it. */
export function deploymentName({ upstreamModel }: Job, { api }: AzureApi): Readonly<Record<string, ByteText>> {
  return api === V1 ? naming(upstreamModel) : NOTHING;
}

/** Names of the members in the body that this model does not take, by the table, the configuration or Azure's refusals. The client gets these names too. */
export function leftOut(job: Job, { without }: Takes, all: readonly Member[]): string[] {
  const names = without.filter((name) => all.some(({ key }) => key === name));
  job.dropped = names.join(", ");
  return names;
}
