/** Where a resource keeps answers, the client gets their ids with a seal, by which Weir recognises them later. See `src/contract/kept.ts`. */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { editMembers, members, memberValue, stringValue } from "../../../src/contract/json.ts";
import { bareId, type Keeping, sealedId } from "../../../src/contract/kept.ts";
import type { Job } from "../provider.ts";

/** A response has some thirty members. */
const MOST_MEMBERS = 1_000;
const NAMES = ["id", "previous_response_id"];

export class SealedIds {
  readonly #keeping: Keeping;
  readonly #owner: string;
  readonly #model: string;
  /** Ids of this call as its client has them: the client may have got them before the secret was changed. */
  readonly #known = new Map<string, string>();

  /** @param asked - The id that the client has named, if any. */
  constructor(keeping: Keeping, { owner, model }: Job, asked: string | undefined) {
    this.#keeping = keeping;
    this.#owner = owner;
    this.#model = model;
    if (asked !== undefined) this.#known.set(bareId(asked), asked);
  }

  /** A response, or an answer about one (that it was deleted), with ids that its client can use. */
  response(text: ByteText): ByteText {
    const all = members(text, MOST_MEMBERS);
    const set: Record<string, ByteText> = {};
    for (const name of NAMES) {
      const id = stringValue(memberValue(text, name, all) ?? "");
      if (id !== undefined && id !== "") set[name] = JSON.stringify(this.#of(id));
    }
    return editMembers(text, { set }, all);
  }

  /** The data of a stream's event, which may have a response in it. */
  event(data: ByteText): ByteText {
    const all = members(data, MOST_MEMBERS);
    const response = memberValue(data, "response", all);
    return response === undefined ? data : editMembers(data, { set: { response: this.response(response) } }, all);
  }

  #of(id: string): string {
    let known = this.#known.get(id);
    if (known === undefined) {
      known = sealedId(this.#keeping, this.#owner, this.#model, id);
      // A response names at most itself and the previous one.
      if (this.#known.size < NAMES.length) this.#known.set(id, known);
    }
    return known;
  }
}
