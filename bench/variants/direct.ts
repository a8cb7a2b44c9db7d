/** The upstream itself: what a call takes with nothing between. */
import type { Question, Variant } from "../variant.ts";

/** How the clouds are called, which is what a variant that only hands on is called like. */
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
