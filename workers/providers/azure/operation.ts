import { type ByteText, encodeUtf8 } from "../../../src/contract/bytes.ts";
import type { Member } from "../../../src/contract/json.ts";
import type { Keeping } from "../../../src/contract/kept.ts";
import { remembered } from "../../remembered.ts";
import type { Job, Reader } from "../provider.ts";
import type { Place } from "./errors.ts";
import type { Takes } from "./takes.ts";

/** As `src/providers/azure/azure.ts` resolves them, as far as an operation asks. */
export interface AzureApi {
  /** `v1`, or a dated api-version. */
  api: string;
  /** The client may have its answers kept, and refer to what is kept. */
  allowStore: boolean;
}

export const V1 = "v1";

/** One kind of request to Azure OpenAI. */
export interface AzureOperation {
  /** Default: POST. */
  method?: "GET" | "POST" | "DELETE";
  /** Below `/openai/v1/`, or below a deployment of a dated API. */
  path: string | ((job: Job) => string);
  /**
   * The client's body with what Azure needs otherwise; every other byte as it came.
   * @throws GatewayError `invalid_request` for what this upstream cannot do.
   */
  body(job: Job, api: AzureApi, takes: Takes): ByteText;
  /** @param keeping - Undefined where the upstream keeps no answers. */
  reader(job: Job, place: Place, keeping: Keeping | undefined): Reader;
}

const naming = remembered((model): Readonly<Record<string, ByteText>> => ({ model: encodeUtf8(JSON.stringify(model)) }));
const NOTHING: Readonly<Record<string, ByteText>> = {};

/** What to set in a body so that it names the deployment, where the path does not. */
export function deploymentName({ upstreamModel }: Job, { api }: AzureApi): Readonly<Record<string, ByteText>> {
  return api === V1 ? naming(upstreamModel) : NOTHING;
}

/** The members of a body that this model does not take, by the table, the configuration or Azure's own word; the client is told. */
export function leftOut(job: Job, { without }: Takes, all: readonly Member[]): string[] {
  const names = without.filter((name) => all.some(({ key }) => key === name));
  job.dropped = names.join(", ");
  return names;
}
