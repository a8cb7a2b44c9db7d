/** The stand-in for Azure OpenAI: chat completions and embeddings in the v1 API and the dated ones, responses in v1. */
import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { isObject } from "../../contract/objects.ts";
import { type Behaviour, failureOf, USUAL } from "../behaviour.ts";
import type { CallRecord } from "../calls.ts";
import type { Breakage, Frame, Reply } from "../delivery.ts";
import { UnknownDirective } from "../directives.ts";
import { type JsonObject, objects, parseJson, text } from "../json.ts";
import { answer } from "../model/answer.ts";
import type { Arrival, Staged, State } from "../state.ts";
import { type Completion, completionFrames, completionOfAnswer } from "./chat-answer.ts";
import { checkChatBody, checkItems, checkOutputs, checkResponsesBody, unknownParameter, unreadable } from "./check.ts";
import { checkEmbeddingsBody, embeddedText, embeddings } from "./embeddings.ts";
import type { Entra } from "./entra.ts";
import { failureReply, filtered, invalid, Refusal, refusalReply, usualRefusal } from "./errors.ts";
import { conversationOf, itemsOf, KeptResponses, wholeOf } from "./kept.ts";
import { readChatQuestion, readResponsesQuestion } from "./question.ts";
import { responseFrames, responseOfAnswer, responsesBreakage } from "./responses-answer.ts";
import { rulesOf } from "./rules.ts";

const V1_PATH = /^\/openai\/v1\/(chat\/completions|responses|responses\/compact|embeddings)$/;
const KEPT_PATH = /^\/openai\/v1\/responses\/(?!compact$)([^/]+)(\/cancel|\/input_items)?$/;
const DATED_PATH = /^\/openai\/deployments\/([^/]+)\/(chat\/completions|embeddings)$/;
const API_VERSION = /^20\d\d-\d\d-\d\d(-preview)?$/;
/** The names of deployments that do not exist; all others exist. */
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
  readonly #stored: KeptResponses;

  constructor(state: State, entra: Entra) {
    this.#state = state;
    this.#entra = entra;
    this.#stored = new KeptResponses(state.now);
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
      if (error instanceof Refusal) return staged(refusalReply(error, headers));
      throw thrown;
    }
  }

  #call(arrival: Arrival, record: CallRecord, headers: Record<string, string>): Staged {
    const v1Operation = V1_PATH.exec(arrival.path)?.[1];
    const isV1 = v1Operation !== undefined;
    const [, deployed, datedOperation] = DATED_PATH.exec(arrival.path) ?? [];
    const operation = v1Operation ?? datedOperation;
    const [, keptId, keptTail = ""] = KEPT_PATH.exec(arrival.path) ?? [];
    if (keptId !== undefined) return this.#kept(arrival, decoded(keptId), keptTail, headers);
    if (operation === undefined || arrival.method !== "POST") throw notFound();
    this.#authenticate(arrival.headers);
    const version = new URLSearchParams(arrival.query).get("api-version");
    if (!isV1 && !API_VERSION.test(version ?? "")) throw notFound();
    const body = parse(arrival.body);
    this.#state.calls.keepBody(record, body, arrival.body.length);
    const named = isObject(body) ? text(body.model) : "";
    const deployment = deployed === undefined ? named : decoded(deployed);
    if (deployment === "" || MISSING.test(deployment)) throw usualRefusal(404);
    if (operation === "embeddings") return this.#embed(body, deployment, headers);
    if (operation === "responses/compact") return this.#compact(body, deployment, headers);
    if (operation === "responses") return this.#respond(body, deployment, headers);
    return this.#complete(body, deployment, isV1, headers);
  }

  /** @throws Refusal 401 */
  #authenticate({ "api-key": apiKey, authorization }: Readonly<Record<string, string>>): void {
    const token = /^Bearer (.*)$/i.exec(authorization ?? "")?.[1];
    const { apiKeys } = this.#state.credentials;
    const isKnown =
      apiKey !== undefined ? apiKeys.includes(apiKey) : token !== undefined && (apiKeys.includes(token) || this.#entra.isGood(token));
    if (!isKnown) throw usualRefusal(401);
  }

  #complete(body: unknown, deployment: string, isV1: boolean, headers: Record<string, string>): Staged {
    const { directives, nextId, now, behind } = this.#state;
    const rules = rulesOf(deployment, behind);
    if (!rules.chat) throw wrongOperation("chatCompletion", rules.model);
    checkChatBody(body, rules);
    const question = readChatQuestion(body, rules.reasoning);
    const behaviour = directives.read(question.text, deployment);
    const isStream = body.stream === true;
    const refused = failed(behaviour, isStream, headers);
    if (refused !== undefined) return refused;
    if (behaviour.filterAfter === 0) throw filtered(isV1);

    const made = answer(question, deployment, behaviour);
    const shown: Completion = {
      id: `chatcmpl-${nextId()}`,
      model: `${deployment}-2024-07-18`,
      created: Math.floor(now() / 1000),
      inputTokens: question.inputTokens,
      hasUsage: isObject(body.stream_options) && body.stream_options.include_usage === true,
      asyncFilter: behaviour.asyncFilter,
      nextId,
    };
    if (isStream) return staged(streamed(completionFrames(made, shown), headers), behaviour);
    return staged(whole(completionOfAnswer(made, shown), headers, made.outputTokens), behaviour);
  }

  #respond(body: unknown, deployment: string, headers: Record<string, string>): Staged {
    const { directives, nextId, now, behind, seal } = this.#state;
    const stored = this.#stored;
    const rules = rulesOf(deployment, behind);
    if (!rules.responses) throw wrongOperation("responses", rules.model);
    checkResponsesBody(body, rules.reasoning);
    checkItems(body, seal, stored);
    const conversation = conversationOf(body, stored);
    checkOutputs(conversation);
    const question = readResponsesQuestion(body, conversation, rules.reasoning);
    const behaviour = directives.read(question.text, deployment);
    const isStream = body.stream === true;
    const isBackground = body.background === true;
    const refused = failed(behaviour, isStream || isBackground, headers);
    if (refused !== undefined) return refused;
    if (behaviour.filterAfter === 0) throw filtered(true);

    const made = answer(question, deployment, behaviour);
    const shown = {
      id: `resp_${nextId()}`,
      model: `${deployment}-2024-07-18`,
      created: Math.floor(now() / 1000),
      inputTokens: question.inputTokens,
      asked: body,
      seal,
      nextId,
    };
    if (body.store === false) {
      if (!isStream) return staged(whole(responseOfAnswer(made, shown), headers, made.outputTokens), behaviour, responsesBreakage);
      return staged(streamed(responseFrames(made, shown), headers), behaviour, responsesBreakage);
    }
    const frames = [...responseFrames(made, shown)];
    const response = wholeOf(frames);
    const kept = {
      whole: response,
      frames,
      conversation: [...conversation, ...objects(response.output)],
      input: itemsOf(body),
      isBackground,
      isStream,
      begunMs: now(),
      endsMs: now() + made.outputTokens * (behaviour.paceMs ?? this.#state.paceMs),
      isCancelled: false,
      failsWith: behaviour.breaks.find(({ how }) => how === "exception")?.type,
    };
    stored.keep(kept);
    if (isStream) return staged(streamed(frames, headers), behaviour, responsesBreakage);
    // A request for the background is answered at once, however the response ends.
    if (isBackground) return staged(whole({ ...stored.show(kept), status: "queued", output: [], usage: null }, headers, 0));
    return staged(whole(response, headers, made.outputTokens), behaviour, responsesBreakage);
  }

  /** Answers a request about a kept response. */
  #kept({ method, query, headers: asked }: Arrival, id: string, tail: string, headers: Record<string, string>): Staged {
    this.#authenticate(asked);
    const stored = this.#stored;
    const parameters = new URLSearchParams(query);
    const answered = (body: JsonObject) => staged(whole(body, headers, 0));
    if (method === "DELETE" && tail === "") return answered(stored.delete(id));
    if (method === "POST" && tail === "/cancel") return answered(stored.cancel(id));
    if (method === "GET" && tail === "/input_items") return answered(stored.input(id, parameters));
    if (method !== "GET" || tail !== "") throw notFound();
    const kept = stored.find(id);
    if (parameters.get("stream") !== "true") return answered(stored.show(kept));
    return staged(streamed(stored.frames(kept, Number(parameters.get("starting_after") ?? -1)), headers));
  }

  /** Compacts a conversation: all its items become one sealed item. */
  #compact(body: unknown, deployment: string, headers: Record<string, string>): Staged {
    const { behind, seal, nextId, now, directives } = this.#state;
    const stored = this.#stored;
    const rules = rulesOf(deployment, behind);
    if (!rules.responses) throw wrongOperation("responses", rules.model);
    checkResponsesBody(body, rules.reasoning);
    const odd = ["store", "stream", "include"].find((name) => name in body);
    if (odd !== undefined) throw unknownParameter(odd);
    checkItems(body, seal, stored);
    const question = readResponsesQuestion(body, conversationOf(body, stored), rules.reasoning);
    const behaviour = directives.read(question.text, deployment);
    const id = `cmp_${nextId()}`;
    const compaction = {
      id: `resp_${nextId()}`,
      object: "response.compaction",
      created_at: Math.floor(now() / 1000),
      output: [{ id, type: "compaction", encrypted_content: `${id}.${seal.of(id)}` }],
      usage: { input_tokens: question.inputTokens, output_tokens: 12, total_tokens: question.inputTokens + 12 },
    };
    return failed(behaviour, false, headers) ?? staged(whole(compaction, headers, 12), behaviour);
  }

  #embed(body: unknown, deployment: string, headers: Record<string, string>): Staged {
    checkEmbeddingsBody(body, deployment);
    const behaviour = this.#state.directives.read(embeddedText(body), deployment);
    return failed(behaviour, false, headers) ?? staged(whole(embeddings(body, deployment), headers, 0), behaviour);
  }
}

function wrongOperation(operation: string, model: string): Refusal {
  const message = `The ${operation} operation does not work with the specified model, ${model}. Please choose different model and try again. You can learn more about which models can be used with each operation here: https://go.microsoft.com/fwlink/?linkid=2197993.`;
  return new Refusal(400, message, { code: "OperationNotSupported" });
}

function staged(reply: Reply, behaviour: Readonly<Behaviour> = USUAL, how: Breakage = breakage): Staged {
  return { reply, behaviour, breakage: how };
}

function failed(behaviour: Readonly<Behaviour>, isStream: boolean, headers: Record<string, string>): Staged | undefined {
  const failure = failureOf(behaviour, isStream);
  return failure && staged(failureReply(failure, headers), behaviour);
}

function streamed(frames: Iterable<Frame>, headers: Record<string, string>): Reply {
  return { status: 200, headers: { ...headers, "content-type": "text/event-stream; charset=utf-8" }, content: { frames }, tokens: 0 };
}

function whole(body: JsonObject, headers: Record<string, string>, tokens: number): Reply {
  return {
    status: 200,
    headers: { ...headers, "content-type": "application/json" },
    content: { body: Buffer.from(JSON.stringify(body)) },
    tokens,
  };
}

function parse(body: Buffer): unknown {
  try {
    return parseJson(body.toString("utf8"));
  } catch {
    throw unreadable();
  }
}

/** A part of the path, decoded. @throws Refusal 404 where it is not encoded as a URL is */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw notFound();
  }
}

function notFound(): Refusal {
  return new Refusal(404, "Resource not found", { code: "404" });
}
