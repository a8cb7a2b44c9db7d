import { azure } from "./azure/azure.ts";
import { bedrock } from "./bedrock/bedrock.ts";
import type { ProviderSettings } from "./provider.ts";

/** Every provider, by its name in `weir.yaml`. */
export const providers: ReadonlyMap<string, ProviderSettings> = new Map([bedrock, azure].map((provider) => [provider.name, provider]));
