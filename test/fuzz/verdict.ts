/** What is wrong with what came of an input; nothing where all is well. */
import type { Answer } from "./answers.ts";
import type { Met } from "./exchange.ts";
import type { Input } from "./inputs.ts";

type Shape = "anthropic" | "openai" | "unified" | "either";

/** Statuses that answer bytes which are no HTTP. */
const BARE = new Set([400, 408, 411, 413, 414, 417, 431, 499, 501, 505]);
const LONGEST_BARE = 200;

/** Pages and probes: they have no dialect. */
const PLAIN = /^\/+(?:api\/+public\/+)?(?:healthz|readyz|docs|openapi\.json)?\/*$/;

export function flawsOf(input: Input, met: Met): string[] {
  const { answers, ending, flaw, next, rest } = met;
  const flaws: string[] = [];
  if (ending === "hung") flaws.push("hung: neither an answer nor the end of the connection");
  if (flaw !== undefined) flaws.push(flaw);
  if (!isOneAnswer(input, answers))
    flaws.push(`${answers.length} answers (${answers.map(({ status }) => status).join(", ")}) to one request`);
  if (rest.length > 0 && ending === "satisfied") flaws.push(`bytes after the answer: ${JSON.stringify(rest.toString("latin1", 0, 100))}`);
  const [answer] = answers;
  if (answer === undefined) {
    if (input.isSound && input.afterwards === "wait" && ending !== "hung") flaws.push("a good request was not answered");
    return flaws;
  }
  const told = next.map(({ status, body }) => `${status} ${body.toString("utf8").slice(0, 100)}`).join(" | ");
  // A server may close a connection at any time, and then there is no answer at all.
  if (next.length > 0 && told !== "200 ok\n") flaws.push(`the next request on the connection was answered with ${JSON.stringify(told)}`);
  return [...flaws, ...flawsOfAnswer(input, answer)];
}

function flawsOfAnswer(input: Input, answer: Answer): string[] {
  const { status, body, isWhole } = answer;
  if (!isWhole) return input.afterwards === "wait" ? [`an answer with ${status} that is not whole`] : [];
  if (isBare(input, answer)) return [];
  // A version that is not spoken, or an encoding that is not known, is no fault of the server.
  const isUnspoken = (status === 505 || status === 501) && !input.isSound;
  if (status >= 500 && !isUnspoken && !input.isTold) return [`${status}: ${JSON.stringify(body.toString("utf8").slice(0, 300))}`];
  if (input.method === "HEAD") return [];
  if (status >= 400) return flawsOfError(input, answer);
  return status === 200 ? flawsOfSuccess(input, answer) : [`status ${status}`];
}

/**
 * A server may answer before the body has come (an unknown key), and then find that the body is malformed: it says so, and closes. More than that is a second
 * request found in the first, which is how requests are smuggled past a proxy.
 */
function isOneAnswer(input: Input, [, second, ...more]: Answer[]): boolean {
  if (second === undefined) return true;
  if (more.length > 0 || input.isSound) return false;
  return input.isFollowed || (second.closes && (isBare(input, second) || shapeOf(second.body.toString("utf8")) === "either"));
}

/** What is no HTTP may be refused by a runtime, in a few words; what is refused in JSON is ours, and has one of our shapes. */
function isBare({ isSound }: Input, { status, body }: Answer): boolean {
  if (isSound || !BARE.has(status) || body.length > LONGEST_BARE) return false;
  return !body.toString("utf8").startsWith("{");
}

function flawsOfError(input: Input, { status, headers, body }: Answer): string[] {
  const text = body.toString("utf8");
  if (headers.get("content-type") !== "application/json") return [`${status} with content-type ${headers.get("content-type")}`];
  const shape = shapeOf(text);
  if (shape === undefined) return [`${status} in no dialect: ${JSON.stringify(text.slice(0, 200))}`];
  // What is refused before its route is looked for has the fields of both protocols.
  if (shape === "either")
    return headers.get("connection") === "close" ? [] : [`${status} in no dialect: ${JSON.stringify(text.slice(0, 200))}`];
  const wanted = dialectOf(input.target);
  return [
    ...(wanted !== undefined && shape !== wanted ? [`${status} in the dialect ${shape} where it is ${wanted}`] : []),
    ...(headers.has("request-id") && headers.has("x-request-id") ? [] : [`${status} without an id`]),
    ...(status === 429 && !headers.has("retry-after") && !input.isTold ? ["429 without retry-after"] : []),
  ];
}

/** The shape of an error. */
function shapeOf(text: string): Shape | undefined {
  const value = jsonOf(text);
  if (typeof value !== "object" || value === null) return undefined;
  const { type, error, request_id, success, code, message, data } = value as Record<string, unknown>;
  if (success === false && typeof code === "string" && typeof message === "string" && data === null) return "unified";
  if (typeof error !== "object" || error === null) return undefined;
  const inner = error as Record<string, unknown>;
  if (typeof inner.message !== "string" || typeof inner.type !== "string") return undefined;
  if (type === "error" && request_id === undefined && "param" in inner && "code" in inner) return "either";
  if (type === "error") return typeof request_id === "string" ? "anthropic" : undefined;
  return "param" in inner && "code" in inner ? "openai" : undefined;
}

/** A target may be a whole address, and have a fragment. */
function pathOf(target: string): string {
  return target.replace(/^http:\/\/[^/]*/, "").split(/[?#]/)[0] ?? "";
}

/** The dialect that the path names; undefined where that is not certain. */
function dialectOf(target: string): Shape | undefined {
  const path = pathOf(target)
    .replaceAll(/\/+/g, "/")
    .replace(/^\/api\/public\//, "/");
  if (/\/(?:\.|%2e){1,2}(?:\/|$)/i.test(path)) return undefined;
  if (/^\/(api\/)?anthropic(\/|$)/.test(path)) return "anthropic";
  if (/^\/openai(\/|$)/.test(path)) return "openai";
  return /^\/api\/v1\/messages\/?$/.test(path) ? "unified" : undefined;
}

function flawsOfSuccess(input: Input, { headers, body }: Answer): string[] {
  const type = headers.get("content-type") ?? "";
  const text = body.toString("utf8");
  if (PLAIN.test(pathOf(input.target))) return [];
  if (type.startsWith("text/event-stream")) return input.afterwards === "wait" ? flawsOfStream(text, input.isTold) : [];
  if (type !== "application/json") return [`200 with content-type ${type}`];
  return jsonOf(text) === undefined ? [`200 that is no JSON: ${JSON.stringify(text.slice(0, 200))}`] : [];
}

function flawsOfStream(text: string, isTold: boolean): string[] {
  if (!text.endsWith("\n\n")) return ["a stream that ends within an event"];
  const lines = text.split("\n").filter((line) => line.startsWith("data:"));
  const datas = lines.map((line) => line.slice(5).trim());
  const odd = datas.find((data) => data !== "[DONE]" && jsonOf(data) === undefined);
  if (odd !== undefined) return [`an event that is no JSON: ${JSON.stringify(odd.slice(0, 200))}`];
  const isComplete = /^\[DONE\]$|"type": ?"(?:message_stop|response\.(?:completed|incomplete|failed))"/.test(datas.at(-1) ?? "");
  return isComplete || isTold ? [] : [`a stream that is not complete; it ends with ${JSON.stringify(datas.at(-1)?.slice(0, 200))}`];
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
