/**
 * The responses that a resource keeps. Sources: the types of openai 7.57; learn.microsoft.com, "Use the Azure OpenAI Responses API" (background tasks,
 * `starting_after`, cancelling), and OpenAI's guide to background mode.
 */
import { Buffer } from "node:buffer";
import type { Frame } from "../delivery.ts";
import { type JsonObject, objects, text } from "../json.ts";
import { invalid, Refusal } from "./errors.ts";

const MOST_KEPT = 1_000;
const USUAL_PAGE = 20;
const FINISHED = { queued: false, in_progress: false, completed: true, incomplete: true, failed: true, cancelled: true } as const;

/** One kept response. */
export interface KeptResponse {
  /** The response at its end. */
  whole: JsonObject;
  frames: readonly Frame[];
  /** All items of the conversation: those that it continues, its own input and its own output. */
  conversation: readonly JsonObject[];
  /** The items of its own input. */
  input: readonly JsonObject[];
  /** It is made in the background, and its status follows from the clock. */
  isBackground: boolean;
  /** The request asked for a stream, so the response can be streamed again. */
  isStream: boolean;
  /** Milliseconds since 1970. */
  begunMs: number;
  endsMs: number;
  isCancelled: boolean;
  /** The code of the error with which it ends; undefined where it succeeds. */
  failsWith: string | undefined;
}

export class KeptResponses {
  readonly #kept = new Map<string, KeptResponse>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  keep(response: KeptResponse): void {
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
    this.#kept.set(text(response.whole.id), response);
  }

  /** Whether this is the id of a kept response, or of an item in the output of one. */
  has(id: string): boolean {
    return this.#kept.has(id) || [...this.#kept.values()].some(({ whole }) => objects(whole.output).some((item) => item.id === id));
  }

  /** @throws Refusal 404 */
  find(id: string): KeptResponse {
    const found = this.#kept.get(id);
    if (found !== undefined) return found;
    throw new Refusal(404, `Response with id '${id}' not found.`, { type: "invalid_request_error", param: null, code: null });
  }

  /** @throws Refusal 404 */
  delete(id: string): JsonObject {
    this.find(id);
    this.#kept.delete(id);
    return { id, object: "response", deleted: true };
  }

  /** @throws Refusal 404, and 400 for a response that is not made in the background */
  cancel(id: string): JsonObject {
    const kept = this.find(id);
    if (!kept.isBackground) throw invalid("Cannot cancel a synchronous response.", null);
    if (!FINISHED[this.#statusOf(kept)]) kept.isCancelled = true;
    return this.show(kept);
  }

  /** The response as it is now. */
  show(kept: KeptResponse): JsonObject {
    const { whole } = kept;
    const status = this.#statusOf(kept);
    if (status === "completed") return whole;
    const error = status === "failed" ? { code: kept.failsWith, message: "The model failed to generate a response." } : null;
    return { ...whole, status, error, incomplete_details: null, output: [], usage: null };
  }

  /**
   * The events after the one with the number `after`; all with -1.
   * @throws Refusal 400 for a response that was not a stream
   */
  frames(kept: KeptResponse, after: number): Iterable<Frame> {
    if (!kept.isStream) throw invalid("This response was not created with stream=true, so it cannot be streamed.", "stream");
    return kept.frames.slice(after + 1);
  }

  /**
   * One page of the items of its input.
   * @throws Refusal 404
   */
  input(id: string, query: URLSearchParams): JsonObject {
    const items: JsonObject[] = this.find(id).input.map((item, index) => ({
      type: "message",
      ...item,
      id: text(item.id) || `msg_${id.slice(5)}_${index}`,
      ...(typeof item.content === "string" ? { content: [{ type: "input_text", text: item.content }] } : {}),
    }));
    if (query.get("order") !== "asc") items.reverse();
    const from = query.has("after") ? items.findIndex((item) => item.id === query.get("after")) + 1 : 0;
    const page = items.slice(from, from + Number(query.get("limit") ?? USUAL_PAGE));
    const [first, last] = [page[0], page.at(-1)];
    return {
      object: "list",
      data: page,
      first_id: first?.id ?? null,
      last_id: last?.id ?? null,
      has_more: from + page.length < items.length,
    };
  }

  #statusOf({ isBackground, isCancelled, begunMs, endsMs, failsWith }: KeptResponse): keyof typeof FINISHED {
    if (isCancelled) return "cancelled";
    if (isBackground && this.#now() < endsMs) return this.#now() === begunMs ? "queued" : "in_progress";
    return failsWith === undefined ? "completed" : "failed";
  }
}

/**
 * The items of a request, after those of the conversation that it continues.
 * @throws Refusal 404
 */
export function conversationOf(body: JsonObject, kept: KeptResponses): readonly JsonObject[] {
  const before = typeof body.previous_response_id === "string" ? kept.find(body.previous_response_id).conversation : [];
  return [...before, ...itemsOf(body)];
}

export function itemsOf({ input }: JsonObject): JsonObject[] {
  return typeof input === "string" ? [{ role: "user", content: input }] : objects(input);
}

/** The response that the last event of a stream holds. */
export function wholeOf(frames: readonly Frame[]): JsonObject {
  const [, data = "{}"] = /^event: .*\ndata: (.*)\n\n$/s.exec(Buffer.from(frames.at(-1)?.bytes ?? []).toString()) ?? [];
  return (JSON.parse(data) as { response: JsonObject }).response;
}
