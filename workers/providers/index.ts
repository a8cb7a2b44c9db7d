import { azure } from "./azure/azure.ts";
import { bedrock } from "./bedrock/bedrock.ts";
import type { Provider } from "./provider.ts";

/** Every kind of cloud that a worker can call; one line each. */
export const providers: Readonly<Record<string, Provider>> = {
  azure,
  bedrock,
};
