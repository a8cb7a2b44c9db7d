/** The stand-in for Azure OpenAI: chat completions under the v1 API and dated ones. */
import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { answer } from "./answer.ts";
import { type Completion, completionFrames, completionOfAnswer } from "./azure-answer.ts";
import { checkAzureBody, isReasoningModel } from "./azure-check.ts";
import { AzureError, azureErrorReply, azureFailure, filtered, invalid } from "./azure-error.ts";
import { readChatQuestion } from "./azure-question.ts";
import { type CallRecord, modelOf } from "./calls.ts";
import type { Breakage, Reply } from "./delivery.ts";
import { type Behaviour, UnknownDirective, USUAL } from "./directives.ts";
import type { Entra } from "./entra.ts";
import { isObject, type JsonObject } from "./json.ts";
import type { Arrival, Staged, State } from "./state.ts";

const V1_PATH = "/openai/v1/chat/completions";
const DATED_PATH = /^\/openai\/deployments\/([^/]+)\/chat\/completions$/;
const API_VERSION = /^20\d\d-\d\d-\d\d(-preview)?$/;
/** A deployment of this name was never made. */
const MISSING = /missing|not-there/;

const breakage: Breakage = {
  corrupt: () => Buffer.from('data: {"choices":[{"delta":{"content":"bro\n\n'),
  exception: (type) =>
    Buffer.from(
      `data: ${JSON.stringify({ error: { message: "The server had an error while processing your request.", type: "server_error", param: null, code: type || null } })}\n\n`,
    ),
};

export class Azure {
  readonly #state: State;
  readonly #entra: Entra;

  constructor(state: State, entra: Entra) {
    this.#state = state;
    this.#entra = entra;
  }

  answer(arrival: Arrival, record: CallRecord): Staged {
    const headers = {
      "apim-request-id": randomUUID(),
      "x-ms-region": "Sweden Central",
      "x-ratelimit-remaining-requests": "99",
      "x-ratelimit-reset-requests": "10",
    };
    try {
      return this.#call(arrival, record, headers);
    } catch (thrown) {
      const error = thrown instanceof UnknownDirective ? invalid(thrown.message, null) : thrown;
      if (error instanceof AzureError) return staged(azureErrorReply(error, headers));
      throw thrown;
    }
  }

  #call(arrival: Arrival, record: CallRecord, headers: Record<string, string>): Staged {
    const isV1 = arrival.path === V1_PATH;
    const deployed = DATED_PATH.exec(arrival.path)?.[1];
    if ((!isV1 && deployed === undefined) || arrival.method !== "POST") throw new AzureError(404, "Resource not found", { code: "404" });
    this.#authenticate(arrival.headers);
    const version = new URLSearchParams(arrival.query).get("api-version");
    if (!isV1 && !API_VERSION.test(version ?? "")) throw new AzureError(404, "Resource not found", { code: "404" });
    const body = parse(arrival.body);
    this.#state.calls.keepBody(record, body, arrival.body.length);
    const deployment = deployed === undefined ? modelOf(body) : decodeURIComponent(deployed);
    if (deployment === "" || MISSING.test(deployment)) throw azureFailure({ status: 404, type: "", retryAfter: 0, shape: "" }).error;
    checkAzureBody(body, deployment);
    return this.#complete(body, deployment, isV1, headers);
  }

  #authenticate({ "api-key": apiKey, authorization }: Readonly<Record<string, string>>): void {
    const token = /^Bearer (.*)$/i.exec(authorization ?? "")?.[1];
    const { apiKeys } = this.#state.credentials;
    const isKnown =
      apiKey !== undefined ? apiKeys.includes(apiKey) : token !== undefined && (apiKeys.includes(token) || this.#entra.isGood(token));
    if (!isKnown) throw azureFailure({ status: 401, type: "", retryAfter: 0, shape: "" }).error;
  }

  #complete(body: JsonObject, deployment: string, isV1: boolean, headers: Record<string, string>): Staged {
    const { directives, nextId, now } = this.#state;
    const question = readChatQuestion(body, isReasoningModel(deployment));
    const behaviour = directives.read(question.text, deployment);
    const isStream = body.stream === true;
    const exception = behaviour.breaks.find(({ how }) => how === "exception");
    if (behaviour.failure !== undefined || (exception !== undefined && !isStream)) {
      const failure = azureFailure(behaviour.failure ?? { status: 500, type: "", retryAfter: 0, shape: "" });
      return staged(azureErrorReply(failure.error, { ...headers, ...failure.headers }), behaviour);
    }
    if (behaviour.filterAfter === 0) throw filtered(isV1);

    const made = answer(question, deployment, behaviour);
    const shown: Completion = {
      id: `chatcmpl-${nextId()}`,
      model: `${deployment}-2024-07-18`,
      created: Math.floor(now() / 1000),
      inputTokens: question.inputTokens,
      tellsUsage: isObject(body.stream_options) && body.stream_options.include_usage === true,
      asyncFilter: behaviour.asyncFilter,
      nextId,
    };
    if (isStream) {
      const content = { frames: completionFrames(made, shown) };
      return staged(
        { status: 200, headers: { ...headers, "content-type": "text/event-stream; charset=utf-8" }, content, tokens: 0 },
        behaviour,
      );
    }
    const content = { body: Buffer.from(JSON.stringify(completionOfAnswer(made, shown))) };
    return staged(
      { status: 200, headers: { ...headers, "content-type": "application/json" }, content, tokens: made.outputTokens },
      behaviour,
    );
  }
}

function staged(reply: Reply, behaviour: Readonly<Behaviour> = USUAL): Staged {
  return { reply, behaviour, breakage };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw invalid("We could not parse the JSON body of your request.", null);
  }
}
