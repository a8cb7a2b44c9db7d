/**
 * The ids of answers that an upstream keeps. A client is given the upstream's own id with a seal at its end, which says whose answer it is and where
 * it is kept: whoever knows the secret can check it, so nothing is stored for it, and every gateway of one configuration knows it after any restart.
 *
 *   resp_68af… w MMMMMMMM SSSSSSSSSSSSSSSSSSSSSSSS
 *              │ │        └ of an HMAC over workspace, place, model and id: 96 bits
 *              │ └ hash of the model's name, by which its limits are found
 *              └ letter that begins the seal
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { hashText } from "./hash.ts";

/** How an upstream keeps answers. */
export interface Keeping {
  /** The account or resource that has them; a new name for the upstream does not change it. */
  readonly place: string;
  /** What ids are sealed with, the newest first; the others are known still. Never logged. */
  readonly secrets: readonly [string, ...string[]];
}

const SEALED = /^([A-Za-z0-9_-]{1,200})(w([0-9a-f]{8})([0-9a-f]{24}))$/;
const BARE = /^[A-Za-z0-9_-]{1,200}$/;

export interface Sealed {
  /** As the upstream knows it. */
  id: string;
  /** What the model's name is hashed to. */
  mark: string;
  seal: string;
}

export function modelMark(model: string): string {
  return hashText(model).toString(16).padStart(8, "0");
}

/** An id as the client gets it. An id of a form that no cloud has stays as it is, and nothing can be asked by it. */
export function sealedId({ place, secrets }: Keeping, workspace: string, model: string, id: string): string {
  if (!BARE.test(id)) return id;
  const mark = modelMark(model);
  return `${id}w${mark}${sealOf(secrets[0], workspace, place, mark, id)}`;
}

/** The parts of an id that a client has sent; undefined where it was not given by Weir. */
export function unsealed(id: string): Sealed | undefined {
  const [, own, , mark, seal] = SEALED.exec(id) ?? [];
  return own === undefined || mark === undefined || seal === undefined ? undefined : { id: own, mark, seal };
}

/** The upstream's own id in one that was checked; any other text stays as it is. */
export function bareId(id: string): string {
  return unsealed(id)?.id ?? id;
}

/** Whether this workspace has been given this id for an answer that is kept at this place. */
export function isSealedBy({ place, secrets }: Keeping, workspace: string, { id, mark, seal }: Sealed): boolean {
  const given = Buffer.from(seal);
  return secrets.some((secret) => timingSafeEqual(Buffer.from(sealOf(secret, workspace, place, mark, id)), given));
}

/** No name of a workspace and no address has a line break in it. */
function sealOf(secret: string, workspace: string, place: string, mark: string, id: string): string {
  return createHmac("sha256", secret).update(`weir kept answer\n${workspace}\n${place}\n${mark}\n${id}`).digest("hex").slice(0, 24);
}
