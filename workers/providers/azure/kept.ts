/**
 * Requests about responses that a resource keeps: to read, list, cancel and delete them. The front has checked that the response belongs to the client's
 * workspace. Source: the types of openai 7.57; learn.microsoft.com, "Use the Azure OpenAI Responses API".
 */
import { bareId } from "../../../src/contract/kept.ts";
import type { Job } from "../provider.ts";
import { malformed, WholeAnswer } from "../whole-answer.ts";
import type { AzureOperation } from "./operation.ts";
import { isUnfinished, ResponsesStream } from "./responses-reader.ts";
import { SealedIds } from "./sealed-ids.ts";
import { addUsage, RESPONSES_USAGE } from "./usage.ts";

/** A parameter that the client must not set: Weir's own address may have it. */
const OURS = "api-version";

/** The id that the client has named, and the query after it. */
function askedFor({ body }: Job): { id: string; query: string } {
  const at = body.indexOf("?");
  return at < 0 ? { id: body, query: "" } : { id: body.slice(0, at), query: body.slice(at) };
}

function below(job: Job, tail = ""): string {
  const { id, query } = askedFor(job);
  const asked = new URLSearchParams(query);
  asked.delete(OURS);
  const text = asked.toString();
  return `responses/${encodeURIComponent(bareId(id))}${tail}${text === "" ? "" : `?${text}`}`;
}

/** A request about one response. The response's usage was counted when the response was made. */
function asking(method: "GET" | "POST" | "DELETE", tail = ""): AzureOperation {
  return {
    method,
    path: (job) => below(job, tail),
    body: () => "",
    reader(job, place, keeping) {
      const sealedIds = keeping && new SealedIds(keeping, job, askedFor(job).id);
      if (job.stream) return new ResponsesStream(place, sealedIds);
      return new WholeAnswer(
        place.upstream,
        (answer, text) => {
          // A list has no id, and the ids in it are those of items.
          if (typeof answer.id === "string") return sealedIds?.response(text) ?? text;
          return Array.isArray(answer.data) ? text : malformed(place.upstream, "the answer is neither a response nor a list");
        },
        { isText: false },
      );
    },
  };
}

export const azureKeptAnswer = asking("GET");
export const azureKeptInput = asking("GET", "/input_items");
export const azureKeptDelete = asking("DELETE");
export const azureKeptCancel = asking("POST", "/cancel");

/** Asks whether a response has ended, and for its usage. Nothing else in it is read. */
export const azureKeptUsage: AzureOperation = {
  method: "GET",
  path: (job) => below(job),
  body(job) {
    job.goesOn = true;
    return "";
  },
  reader: (job, place) => new KeptUsage(job, place.upstream),
};

class KeptUsage extends WholeAnswer {
  /** The response counts as unfinished until its end is known. */
  unfinished: string;

  constructor({ body }: Job, upstream: string) {
    super(
      upstream,
      (answer, _text, usage) => {
        if (typeof answer.id !== "string") return malformed(upstream, "the answer is no response");
        if (isUnfinished(answer)) return "";
        this.unfinished = "";
        addUsage(usage, answer.usage, RESPONSES_USAGE);
        return "";
      },
      { isText: false },
    );
    this.unfinished = body;
  }
}
