/** Items of earlier answers that come back in a request: sealed ones, and references to stored ones. Only the resource that made them takes them. */
import { AzureError, invalid } from "./errors.ts";
import type { KeptResponses } from "./kept.ts";
import { type JsonObject, objects, text } from "../json.ts";
import type { Seal } from "../seal.ts";

/** @throws AzureError 400 for an item that this resource did not make, or no longer has */
export function checkItems(body: JsonObject, seal: Seal, stored: KeptResponses): void {
  const before = body.previous_response_id;
  if (typeof before === "string" && !stored.has(before))
    throw new AzureError(400, `Previous response with id '${before}' not found.`, {
      type: "invalid_request_error",
      param: "previous_response_id",
      code: "previous_response_not_found",
    });
  for (const [index, item] of objects(body.input).entries()) {
    const sealed = item.encrypted_content;
    if ((item.type === "reasoning" || item.type === "compaction") && typeof sealed === "string") {
      const [made = "", signed = ""] = sealed.split(".");
      if (seal.isOf(made, signed)) continue;
      const shown = `${sealed.slice(0, 4)}...${sealed.slice(-4)}`;
      const message = `The encrypted content ${shown} could not be verified. Reason: Encrypted content could not be decrypted or parsed.`;
      throw new AzureError(400, message, { type: "invalid_request_error", param: null, code: "invalid_encrypted_content" });
    }
    if (item.type !== "item_reference" && item.type !== "reasoning") continue;
    if (stored.has(text(item.id))) continue;
    const message = `Item with id '${text(item.id)}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`;
    throw invalid(message, `input[${index}].id`);
  }
}
