/** The upstream itself: the cost of a call without a gateway. */
import type { Question, Variant } from "../variant.ts";

/** The addresses of the clouds, which are also those of a variant that only passes calls on. */
export const cloudAddress = ({ dialect, model, stream }: Question) => ({
  path: CLOUD_PATHS[dialect](model, stream),
  headers: {},
});

const CLOUD_PATHS = {
  openai: () => "/openai/v1/chat/completions",
  anthropic: (model: string, stream: boolean) => `/model/anthropic.${model}-v1%3A0/invoke${stream ? "-with-response-stream" : ""}`,
};

export const direct: Variant = {
  name: "direct",
  isCompiled: true,
  start: async ({ upstreamUrl }) => ({ url: upstreamUrl, address: cloudAddress, pids: () => [], stop: async () => {} }),
};
