/** The unified route: requests of the Anthropic protocol, answers in an envelope around OpenAI-style choices. */
import type { ByteText } from "../../contract/bytes.ts";
import type { Dialect, Route } from "../../contract/dialect.ts";
import { ERROR_KINDS, type ErrorKind, type ErrorName, type GatewayError, STATUS } from "../../contract/errors.ts";
import { anthropic } from "../anthropic/anthropic.ts";
import { jsonText } from "../error-text.ts";
import { ChunkStream, envelopeOf } from "./answer.ts";

const PATH = "/api/v1/messages";

const routes: readonly Route[] = [{ method: "POST", path: PATH, operation: "generate" }];

/** Errors of this route have no type, only the status. */
const errorNames = Object.fromEntries(ERROR_KINDS.map((kind) => [kind, { type: kind }])) as Record<ErrorKind, ErrorName>;

/** Paths that other gateways have below `/api/v1/`. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "chat/completions": "Chat completions are served at /openai/{region}/v1/chat/completions.",
  responses: "The Responses API is served at /openai/{region}/v1/responses.",
  embeddings: "Embeddings are served at /openai/{region}/v1/embeddings.",
  models: "Models are listed at /api/anthropic/v1/models.",
  "messages/count_tokens": "Tokens are counted at /api/anthropic/v1/messages/count_tokens.",
};

export const unified: Dialect = {
  ...anthropic,
  name: "unified",
  upstream: anthropic.upstream,
  routes,
  errorNames,
  rateLimitPrefix: undefined,
  keepAlive: ": ping\n\n",
  translation: { answer: envelopeOf, stream: () => new ChunkStream(Date.now()) },

  errorBody(error) {
    return errorText(error);
  },

  errorEvent(error) {
    return `data: ${errorText(error)}\n\n`;
  },

  owns: (path) => /^\/api\/(?:v1(?:\/|$)|messages$)/.test(path),

  misroute(path) {
    const tail = path.replace(/^\/api(?:\/v1)*\/?/, "");
    if (Object.hasOwn(ELSEWHERE, tail)) return ELSEWHERE[tail];
    if (tail !== "messages") return undefined;
    return `${path.includes("/v1/") ? "/v1 is there more than once" : "/v1 is missing"}: did you mean ${PATH}?`;
  },

  speaks: () => false,
};

function errorText({ kind, detail }: GatewayError): ByteText {
  const code = String(detail.status ?? STATUS[kind]);
  return jsonText({ success: false, code, message: detail.message, data: null });
}
