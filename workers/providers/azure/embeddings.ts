/** Embeddings on Azure OpenAI: the body gets the deployment's name, and loses members that the model does not take. */
import { editMembers, members } from "../../../src/contract/json.ts";
import { malformed, WholeAnswer } from "../whole-answer.ts";
import { type AzureOperation, deploymentName, leftOut } from "./operation.ts";
import { addUsage, CHAT_USAGE } from "./usage.ts";

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
        addUsage(usage, answer.usage, CHAT_USAGE);
        return text;
      },
      { isText: false },
    ),
};
