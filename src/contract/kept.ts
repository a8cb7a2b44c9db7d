/**
 * The ids of answers that an upstream keeps. A client gets the upstream's own id with a seal at its end. The seal proves which workspace the answer belongs to
 * and where it is kept. A gateway that knows the secret can check the seal, so nothing is stored, and every gateway of one configuration knows the id after any
 * restart.
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
  /** Secrets by which ids are sealed: the newest, which seals new ids, comes first; ids with a seal of the others are still accepted. Never logged. */
  readonly secrets: readonly [string, ...string[]];
}

const SEALED = /^([A-Za-z0-9_-]{1,200})(w([0-9a-f]{8})([0-9a-f]{24}))$/;
const BARE = /^[A-Za-z0-9_-]{1,200}$/;

export interface Sealed {
  /** The answer's id as the upstream knows it. */
  id: string;
  /** The hash of the model's name. */
  mark: string;
  seal: string;
}

export function modelMark(model: string): string {
  return hashText(model).toString(16).padStart(8, "0");
}

/** An id as the client gets it. An id that has not the form of a cloud's ids stays as it is; a client cannot ask for it. */
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

/** The upstream's own id in a sealed one; any other text stays as it is. */
export function bareId(id: string): string {
  return unsealed(id)?.id ?? id;
}

/** Whether the id was made for this workspace, for an answer that is kept at this place. */
export function isSealedBy({ place, secrets }: Keeping, workspace: string, { id, mark, seal }: Sealed): boolean {
  const given = Buffer.from(seal);
  return secrets.some((secret) => timingSafeEqual(Buffer.from(sealOf(secret, workspace, place, mark, id)), given));
}

/** No name of a workspace and no address has a line break in it. */
function sealOf(secret: string, workspace: string, place: string, mark: string, id: string): string {
  return createHmac("sha256", secret).update(`weir kept answer\n${workspace}\n${place}\n${mark}\n${id}`).digest("hex").slice(0, 24);
}
