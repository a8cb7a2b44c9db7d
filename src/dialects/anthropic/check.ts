/** Checks requests of the Anthropic Messages protocol, in both of its versions. */
import { Checker } from "../../contract/checker.ts";
import type { CallOperation, Check } from "../../contract/dialect.ts";
import { GatewayError } from "../../contract/errors.ts";
import { isObject } from "../../contract/objects.ts";
import { readName, refusal } from "../body.ts";
import { dotted, readRequest } from "../problem.ts";
import { CLASSIC, CURRENT, MILLION, readHints } from "./anthropic.ts";
import { messagesSchema } from "./schema.ts";

/** Members that are read or edited; see `readRequest`. */
const SINGLE = new Set(
  "model messages max_tokens stream system tools temperature top_p top_k thinking anthropic_version anthropic_beta".split(" "),
);

const checkers: Partial<Record<CallOperation, Checker>> = {
  generate: new Checker(messagesSchema("required")),
  count_tokens: new Checker(messagesSchema("optional")),
};

/** The body as the schemas have checked it, with the members that the rules below need. */
interface MessagesRequest {
  model: string;
  messages: { role: string; content: string | { type: string; citations?: readonly unknown[] | null }[]; output_config?: object | null }[];
  max_tokens?: number | null;
  stream?: boolean;
  temperature?: number;
  top_p?: number;
  top_k?: number;
}

export const checkMessages: Check = (body, hints, operation) => {
  const checker = checkers[operation];
  if (checker === undefined) throw new GatewayError("unknown_route", { message: "The Anthropic protocol has no such request." });
  const { version } = readHints(hints);
  if (version !== CLASSIC && version !== CURRENT) {
    throw refusal("invalid_request", "anthropic-version", `must be "${CLASSIC}" or "${CURRENT}"`);
  }
  const request = readRequest<MessagesRequest>(body, checker, SINGLE, dotted);
  checkConversation(request);
  if (version === CURRENT) checkCurrent(request);
  const model = readName(body, "model", request.model).replace(MILLION, "");
  return { model, stream: request.stream === true, maxTokens: request.max_tokens ?? 0, request };
};

/** Source: platform.claude.com, "Mid-conversation system messages", limitations. */
function checkConversation({ messages }: MessagesRequest): void {
  // A `system` message without content sets the effort of the following turns, and may be anywhere.
  const isSetting = ({ role, content, output_config }: MessagesRequest["messages"][number]) =>
    role === "system" && content.length === 0 && isObject(output_config);
  const first = messages.findIndex((message) => !isSetting(message));
  const role = messages[first]?.role;
  if (role !== "user") {
    const hint = role === "system" ? '; a system prompt goes into the top-level field "system"' : "";
    throw refusal("invalid_request", `messages.${Math.max(first, 0)}.role`, `the first message must have the role "user"${hint}`);
  }
  const last = messages.length - 1;
  const empty = messages.findIndex(
    (message, index) => message.content.length === 0 && !(index === last && message.role === "assistant") && !isSetting(message),
  );
  if (empty >= 0) {
    throw refusal("invalid_request", `messages.${empty}.content`, "must not be empty, except in a final assistant message");
  }
}

/** Rules of the newer version. Source: the vendor's migration notes, platform.claude.com/docs/en/api/migration-2026-10-21. */
function checkCurrent(request: MessagesRequest): void {
  for (const name of ["temperature", "top_p", "top_k"] as const) {
    if (request[name] === undefined) continue;
    throw refusal(
      "invalid_request",
      name,
      `is not taken under anthropic-version ${CURRENT}; leave it out, or send anthropic-version ${CLASSIC}`,
    );
  }
  for (const [index, { role, content }] of request.messages.entries()) {
    if (typeof content === "string") continue;
    for (const [position, block] of content.entries()) {
      const where = `messages.${index}.content.${position}`;
      if (role === "assistant" && block.type === "document") {
        throw refusal(
          "invalid_request",
          `${where}.type`,
          `a document cannot be in an assistant message under anthropic-version ${CURRENT}`,
        );
      }
      if (role === "user" && block.type === "text" && (block.citations?.length ?? 0) > 0) {
        throw refusal("invalid_request", `${where}.citations`, `must be empty in a user message under anthropic-version ${CURRENT}`);
      }
    }
  }
}
