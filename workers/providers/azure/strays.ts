/** Members of a Responses request's items that Azure does not know, by the table, the configuration or Azure's own word. */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { editElements, editMembers, hidesWords, members, memberValue } from "../../../src/contract/json.ts";
import type { Job } from "../provider.ts";
import type { Takes } from "./takes.ts";

/** How the names of such members begin in `Takes.without`. */
export const OF_ITEM = "input.";

/** The body without them; the client is told. Every other byte stays. */
export function withoutStrays(body: ByteText, job: Job, { without }: Takes): ByteText {
  if (job.operation !== "responses" && job.operation !== "compact") return body;
  const isHidden = hidesWords(body);
  const names = without
    .filter((name) => name.startsWith(OF_ITEM) && (isHidden || body.includes(`"${name.slice(OF_ITEM.length)}"`)))
    .map((name) => name.slice(OF_ITEM.length));
  if (names.length === 0) return body;
  const all = members(body);
  const input = memberValue(body, "input", all);
  if (input === undefined) return body;
  const gone = new Set<string>();
  const edited = editElements(input, (item) => {
    const own = members(item);
    const remove = names.filter((name) => own.some(({ key }) => key === name));
    for (const name of remove) gone.add(OF_ITEM + name);
    return remove.length === 0 ? item : editMembers(item, { remove }, own);
  });
  if (gone.size === 0) return body;
  job.dropped = [job.dropped, ...gone].filter((name) => name !== "").join(", ");
  return editMembers(body, { set: { input: edited } }, all);
}
