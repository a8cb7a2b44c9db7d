/** Embeddings on Azure OpenAI: the body stays as it is, but for the deployment's name. Source: `wire.md` §2.1. */
import { editMembers, members } from "../../../src/contract/json.ts";
import { asObject, countFor } from "../failure.ts";
import { malformed, WholeAnswer } from "../whole-answer.ts";
import { type AzureOperation, deploymentName, leftOut } from "./operation.ts";

export const azureEmbeddings: AzureOperation = {
  path: "embeddings",

  body(job, api, takes) {
    const all = members(job.body);
    return editMembers(job.body, { remove: leftOut(job, takes, all), set: deploymentName(job, api) }, all);
  },

  reader: (_job, { upstream }) =>
    new WholeAnswer(
      upstream,
      (answer, text, usage) => {
        if (!Array.isArray(answer.data)) return malformed(upstream, "the answer is no list of embeddings");
        usage.input = countFor(usage, asObject(answer.usage)?.prompt_tokens) ?? 0;
        return text;
      },
      { isText: false },
    ),
};
