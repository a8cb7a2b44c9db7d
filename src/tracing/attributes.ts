/** The names of spans' attributes. Source: OpenTelemetry's semantic conventions 1.41 for HTTP, and those for generative AI (gen-ai-spans). */
export const HTTP = {
  method: "http.request.method",
  route: "http.route",
  status: "http.response.status_code",
  client: "client.address",
  error: "error.type",
} as const;

export const GEN_AI = {
  operation: "gen_ai.operation.name",
  provider: "gen_ai.provider.name",
  conversation: "gen_ai.conversation.id",
  model: "gen_ai.request.model",
  stream: "gen_ai.request.stream",
  maxTokens: "gen_ai.request.max_tokens",
  firstChunk: "gen_ai.response.time_to_first_chunk",
  input: "gen_ai.usage.input_tokens",
  output: "gen_ai.usage.output_tokens",
  cacheRead: "gen_ai.usage.cache_read.input_tokens",
  cacheWrite: "gen_ai.usage.cache_creation.input_tokens",
} as const;

/** Attributes for which the conventions have no name. */
export const OWN = {
  requestId: "weir.request_id",
  workspace: "weir.workspace",
  keyId: "weir.key_id",
  model: "weir.model",
  region: "weir.region",
  outcome: "weir.outcome",
  attempts: "weir.attempts",
  upstream: "weir.upstream",
  upstreamRequestId: "weir.upstream_request_id",
  sendings: "weir.upstream_sendings",
} as const;

/** The names of operations in the conventions. Other operations keep the names that they have here. */
export const OPERATIONS: Readonly<Record<string, string>> = { generate: "chat", responses: "chat" };
