/**
 * Responses that a resource keeps. Source: the types of openai 7.57; learn.microsoft.com, "Use the Azure OpenAI Responses API" (background tasks,
 * `starting_after`, cancelling), and OpenAI's guide to background mode.
 */
import { Buffer } from "node:buffer";
import { AzureError, invalid } from "./errors.ts";
import type { Frame } from "../delivery.ts";
import { type JsonObject, objects, text } from "../json.ts";

const MOST_KEPT = 1_000;
const USUAL_PAGE = 20;
const FINISHED = { queued: false, in_progress: false, completed: true, incomplete: true, failed: true, cancelled: true } as const;

/** One response as the resource has it. */
export interface KeptResponse {
  /** As it is when it has ended. */
  whole: JsonObject;
  frames: readonly Frame[];
  /** Its input, and that of the answers that it goes on from, with those. */
  conversation: readonly JsonObject[];
  /** The items of its own input. */
  input: readonly JsonObject[];
  /** Made in the background: its status follows from the clock. */
  isBackground: boolean;
  /** It was asked for as a stream, so that it can be streamed again. */
  isStream: boolean;
  /** Milliseconds since 1970. */
  begunMs: number;
  endsMs: number;
  isCancelled: boolean;
  /** It fails when it ends. */
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

  /** Whether this is the id of a response, or of an item of one. */
  has(id: string): boolean {
    return this.#kept.has(id) || [...this.#kept.values()].some(({ whole }) => objects(whole.output).some((item) => item.id === id));
  }

  /** @throws AzureError 404 */
  find(id: string): KeptResponse {
    const found = this.#kept.get(id);
    if (found !== undefined) return found;
    throw new AzureError(404, `Response with id '${id}' not found.`, { type: "invalid_request_error", param: null, code: null });
  }

  /** @throws AzureError 404 */
  delete(id: string): JsonObject {
    this.find(id);
    this.#kept.delete(id);
    return { id, object: "response", deleted: true };
  }

  /** @throws AzureError */
  cancel(id: string): JsonObject {
    const kept = this.find(id);
    if (!kept.isBackground) throw invalid("Cannot cancel a synchronous response.", null);
    if (!FINISHED[this.#statusOf(kept)]) kept.isCancelled = true;
    return this.show(kept);
  }

  /** As it is now. */
  show(kept: KeptResponse): JsonObject {
    const { whole } = kept;
    const status = this.#statusOf(kept);
    if (status === "completed") return whole;
    const error = status === "failed" ? { code: kept.failsWith, message: "The model failed to generate a response." } : null;
    return { ...whole, status, error, incomplete_details: null, output: [], usage: null };
  }

  /**
   * The events after one of them.
   * @throws AzureError 400
   */
  frames(kept: KeptResponse, after: number): Iterable<Frame> {
    if (!kept.isStream) throw invalid("This response was not created with stream=true, so it cannot be streamed.", "stream");
    return kept.frames.slice(after + 1);
  }

  /** @throws AzureError */
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

/** What came before a request, by the answer that it goes on from. */
export function conversationOf(body: JsonObject, kept: KeptResponses): readonly JsonObject[] {
  const before = typeof body.previous_response_id === "string" ? kept.find(body.previous_response_id).conversation : [];
  return [...before, ...itemsOf(body)];
}

export function itemsOf({ input }: JsonObject): JsonObject[] {
  return typeof input === "string" ? [{ role: "user", content: input }] : objects(input);
}

/** The response at the end of a stream of one. */
export function wholeOf(frames: readonly Frame[]): JsonObject {
  const [, data = "{}"] = /^event: .*\ndata: (.*)\n\n$/s.exec(Buffer.from(frames.at(-1)?.bytes ?? []).toString()) ?? [];
  return (JSON.parse(data) as { response: JsonObject }).response;
}
