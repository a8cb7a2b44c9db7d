/** The stand-in for the runtime of Bedrock: InvokeModel, InvokeModelWithResponseStream and CountTokens. */
import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { isObject } from "../../contract/objects.ts";
import { type Behaviour, failureOf, USUAL } from "../behaviour.ts";
import type { CallRecord } from "../calls.ts";
import type { Breakage, Reply } from "../delivery.ts";
import { UnknownDirective } from "../directives.ts";
import { type JsonObject, parseJson, text } from "../json.ts";
import { type Answer, answer } from "../model/answer.ts";
import type { Question } from "../model/question.ts";
import type { Seal } from "../seal.ts";
import type { Arrival, Staged, State } from "../state.ts";
import { type AnswerUsage, answerFrames, messageOfAnswer } from "./answer.ts";
import { cacheUsage, PromptCache } from "./cache.ts";
import { checkBody } from "./check.ts";
import { BLOCKED, checkControls, type Guardrail, guardrailMembers } from "./controls.ts";
import { failureReply, messageOf, Refusal, refusalReply, validation } from "./errors.ts";
import { corruptFrame, errorFrame, exceptionFrame, FrameCache } from "./frames.ts";
import { findModel, type Model } from "./models.ts";
import { readQuestion } from "./question.ts";
import { rulesOf } from "./rules.ts";
import { SignatureCheck } from "./signature.ts";

const ROUTE = /^\/model\/(.+)\/(invoke|invoke-with-response-stream|count-tokens)$/;
const MAX_BODY_BYTES = 25_000_000;
/** From this version on, the refusal of a long input has the words of Anthropic's own API. */
const FIRST_WITH_DIRECT_WORDS = 4.7;

const breakage: Breakage = {
  corrupt: corruptFrame,
  exception(type) {
    if (type === "error") return errorFrame("InternalError", "An internal error occurred.");
    const name = type === "" ? "throttlingException" : type;
    const message = messageOf(name);
    return exceptionFrame(
      name,
      name === "modelStreamErrorException" ? { message, originalStatusCode: 500, originalMessage: "Internal server error" } : { message },
    );
  },
};

export class Bedrock {
  readonly #state: State;
  readonly #signatures = new SignatureCheck();
  readonly #frames = new FrameCache();
  readonly #cache = new PromptCache();

  constructor(state: State) {
    this.#state = state;
  }

  async answer(arrival: Arrival, record: CallRecord): Promise<Staged> {
    const requestId = randomUUID();
    try {
      record.region = await this.#authenticate(arrival);
      return this.#call(arrival, record, requestId);
    } catch (thrown) {
      const error = thrown instanceof UnknownDirective ? validation(thrown.message) : thrown;
      if (error instanceof Refusal) return staged(refusalReply(error, requestId));
      throw thrown;
    }
  }

  /** Returns the AWS region of the signature; undefined for a request with an API key. @throws Refusal 403 */
  async #authenticate(arrival: Arrival): Promise<string | undefined> {
    const { credentials, now } = this.#state;
    const bearer = /^Bearer (.*)$/i.exec(arrival.headers.authorization ?? "")?.[1];
    if (bearer === undefined) return await this.#signatures.check(arrival, credentials.aws, now());
    if (!credentials.bearerTokens.includes(bearer)) {
      throw new Refusal("AccessDeniedException", "Authentication failed: Please make sure your API Key is valid.");
    }
    return undefined;
  }

  #call(arrival: Arrival, record: CallRecord, requestId: string): Staged {
    const [, rawId, operation] = ROUTE.exec(arrival.path) ?? [];
    if (rawId === undefined || arrival.method !== "POST") return staged(unknownOperation(requestId));
    if (arrival.body.length > MAX_BODY_BYTES) {
      throw validation(
        `1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have length less than or equal to ${MAX_BODY_BYTES}`,
      );
    }
    const id = decode(rawId);
    const model = found(id, record.region, this.#state.behind);
    const body = parse(arrival.body);
    this.#state.calls.keepBody(record, body, arrival.body.length);
    if (operation === "count-tokens") return staged(json(200, { inputTokens: countTokens(body, model, this.#state.seal) }, requestId));
    checkBody(body, model, this.#state.seal);
    const guardrail = checkControls(arrival.headers, body);
    return this.#invoke(body, id, model, operation === "invoke-with-response-stream", requestId, guardrail);
  }

  #invoke(body: JsonObject, id: string, model: Model, isStream: boolean, requestId: string, guardrail: Guardrail | undefined): Staged {
    const { directives, now, nextId, seal } = this.#state;
    const question = readQuestion(body);
    const behaviour = directives.read(question.text, id);
    // A region may not know new flags yet, so a directive can refuse them.
    if (behaviour.noBetas && Array.isArray(body.anthropic_beta) && body.anthropic_beta.length > 0) throw validation("invalid beta flag");
    if (question.inputTokens + (question.maxTokens ?? 0) > rulesOf(model.name).window) throw tooLong(question, model);
    const failure = failureOf(behaviour, isStream);
    if (failure !== undefined) return staged(failureReply(failure, requestId), behaviour);

    const isBlocked = guardrail !== undefined && behaviour.blocked;
    const made = isBlocked ? blockedAnswer() : answer(question, model.name, behaviour);
    const members = (isLast: boolean) => (guardrail === undefined ? {} : guardrailMembers(guardrail, isBlocked, isLast));
    const cached = cacheUsage(body, model.name, this.#cache, now());
    const charged = cached === undefined ? 0 : cached.read + cached.write5m + cached.write1h;
    const usage: AnswerUsage = { input: Math.max(0, question.inputTokens - charged), output: made.outputTokens, cached };
    const shown = {
      id: `msg_bdrk_${nextId()}`,
      model: model.name,
      hideThinking: isObject(body.thinking) && body.thinking.display === "omitted",
      seal,
      nextId,
    };
    if (isStream) {
      const headers = {
        "content-type": "application/vnd.amazon.eventstream",
        "x-amzn-requestid": requestId,
        "x-amzn-bedrock-content-type": "application/json",
      };
      return staged(
        { status: 200, headers, content: { frames: answerFrames(made, usage, shown, this.#frames, members) }, tokens: 0 },
        behaviour,
      );
    }
    const reply = json(200, { ...messageOfAnswer(made, usage, shown), ...members(true) }, requestId);
    Object.assign(reply.headers, {
      "x-amzn-bedrock-invocation-latency": "1",
      "x-amzn-bedrock-input-token-count": String(usage.input),
      "x-amzn-bedrock-output-token-count": String(usage.output),
      "x-amzn-bedrock-cache-read-input-token-count": String(cached?.read ?? 0),
      "x-amzn-bedrock-cache-write-input-token-count": String((cached?.write5m ?? 0) + (cached?.write1h ?? 0)),
    });
    reply.tokens = made.outputTokens;
    return staged(reply, behaviour);
  }
}

/** The answer to a blocked question: the text that the guardrail's owner has set. The model is not asked. */
function blockedAnswer(): Answer {
  return {
    parts: [{ kind: "text", tokens: [BLOCKED], count: 1 }],
    end: "end",
    stopSequence: undefined,
    outputTokens: 0,
    thinkingTokens: 0,
  };
}

function staged(reply: Reply, behaviour: Readonly<Behaviour> = USUAL): Staged {
  return { reply, behaviour, breakage };
}

function json(status: number, body: unknown, requestId: string): Reply {
  return {
    status,
    headers: { "content-type": "application/json", "x-amzn-requestid": requestId },
    content: { body: Buffer.from(JSON.stringify(body)) },
    tokens: 0,
  };
}

function decode(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    throw validation("The provided model identifier is invalid.");
  }
}

function found(id: string, region: string | undefined, behind: State["behind"]): Model {
  const model = findModel(id, region, behind);
  if (model === "unknown") throw validation("The provided model identifier is invalid.");
  if (model === "needs profile") {
    throw validation(
      `Invocation of model ID ${id} with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model.`,
    );
  }
  return model;
}

function tooLong({ inputTokens, maxTokens = 0 }: Question, { name, version }: Model): Refusal {
  const { window } = rulesOf(name);
  if (inputTokens <= window)
    return validation(
      `input length and \`max_tokens\` exceed context limit: ${inputTokens} + ${maxTokens} > ${window}, decrease input length or \`max_tokens\` and try again`,
    );
  if (version < FIRST_WITH_DIRECT_WORDS) return validation("Input is too long for requested model.");
  return validation(`prompt is too long: ${inputTokens} tokens > ${window} maximum`);
}

function parse(body: Buffer): unknown {
  try {
    return parseJson(body.toString("utf8"));
  } catch {
    throw validation("Malformed input request: Unable to parse JSON, please reformat your input and try again.");
  }
}

/** Answers CountTokens, whose body holds the body of an InvokeModel in base64. @throws Refusal 400 */
function countTokens(body: unknown, model: Model, seal: Seal): number {
  const input = isObject(body) && isObject(body.input) ? body.input.invokeModel : undefined;
  const wrapped = isObject(input) ? text(input.body) : "";
  if (wrapped === "") throw validation("input: one of invokeModel or converse is required");
  const inner = parse(Buffer.from(wrapped, "base64"));
  checkBody(inner, model, seal);
  return readQuestion(inner).inputTokens;
}

function unknownOperation(requestId: string): Reply {
  const headers = { "content-type": "application/xml", "x-amzn-requestid": requestId, "x-amzn-errortype": "UnknownOperationException" };
  return { status: 404, headers, content: { body: Buffer.from("<UnknownOperationException/>\n") }, tokens: 0 };
}
