/**
 * Responses that a resource keeps: asked for again, listed, cancelled and deleted. The front has checked that the client's workspace may. Source: the types of openai
 * 7.57; learn.microsoft.com, "Use the Azure OpenAI Responses API".
 */
import { bareId } from "../../../src/contract/kept.ts";
import { asObject } from "../failure.ts";
import type { Job } from "../provider.ts";
import { malformed, WholeAnswer } from "../whole-answer.ts";
import type { AzureOperation } from "./operation.ts";
import { addUsage, isUnfinished, ResponsesStream } from "./responses-reader.ts";
import { Seal } from "./seal.ts";

/** Not the client's to say: the address has one. */
const OURS = "api-version";

/** The id that the client has asked by, and the query after it. */
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

/** What is asked about one response; its usage was counted when it was made. */
function asking(method: "GET" | "POST" | "DELETE", tail = ""): AzureOperation {
  return {
    method,
    path: (job) => below(job, tail),
    body: () => "",
    reader(job, place, keeping) {
      const seal = keeping && new Seal(keeping, job, askedFor(job).id);
      if (job.stream) return new ResponsesStream(place, seal);
      return new WholeAnswer(
        place.upstream,
        (answer, text) => {
          // A list has no id of its own, and the ids in it are those of items.
          if (typeof answer.id === "string") return seal?.response(text) ?? text;
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

/** Whether a response has come to its end, and what it has used; nothing of it is read besides. */
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
  /** Until it is known to have ended, it has not. */
  unfinished: string;

  constructor({ body }: Job, upstream: string) {
    super(
      upstream,
      (answer, _text, usage) => {
        if (typeof answer.id !== "string") return malformed(upstream, "the answer is no response");
        if (isUnfinished(answer)) return "";
        this.unfinished = "";
        addUsage(usage, asObject(answer.usage));
        return "";
      },
      { isText: false },
    );
    this.unfinished = body;
  }
}
