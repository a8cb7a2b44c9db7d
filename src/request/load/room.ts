import { GatewayError } from "../../contract/errors.ts";
import type { Shedding } from "./shedding.ts";

/** Bounds of what one process holds at a time. */
export interface RoomBounds {
  maxCalls: number;
  /** Bytes of request bodies, and of answers that their clients have not read yet. */
  maxBufferedBytes: number;
}

interface BoundKey {
  id: string;
  maxConcurrent: number;
}

interface Share {
  calls: number;
  bytes: number;
}

/** The part of each bound that one workspace may take, so that there is room for the others. */
const SHARE = 1 / 2;

const BODIES = "The request bodies and the unread answers";

/**
 * Counts the calls, the request bodies and the unread answers that a process holds at a time: all of them, and those of each workspace. At a bound, a new call is
 * refused at once, so that it costs only an error.
 */
export class Room {
  readonly #bounds: RoomBounds;
  readonly #shedding: Pick<Shedding, "isOn">;
  readonly #all: Share = { calls: 0, bytes: 0 };
  readonly #shares = new Map<string, Share>();
  /** Open calls of each key that has its own bound, by the id of the key. */
  readonly #keys = new Map<string, number>();

  constructor(bounds: RoomBounds, shedding: Pick<Shedding, "isOn"> = { isOn: false }) {
    this.#bounds = bounds;
    this.#shedding = shedding;
  }

  /** Bytes of bodies and answers that are held. */
  get bufferedBytes(): number {
    return this.#all.bytes;
  }

  /**
   * Gives a call its place.
   * @param maxConcurrent - How many calls the workspace may have open; undefined where its configuration does not say.
   * @param bodyBytes - The declared length of the body; 0 where it is not known.
   * @param key - The key, where it has its own bound of open calls.
   * @throws GatewayError `overloaded`
   */
  enter(workspace: string, maxConcurrent: number | undefined, bodyBytes: number, key?: BoundKey): Place {
    if (this.#shedding.isOn) throw overloaded("The gateway is behind with the calls that it has.");
    const { maxCalls } = this.#bounds;
    const ofKey = key === undefined ? 0 : (this.#keys.get(key.id) ?? 0);
    if (key !== undefined && ofKey >= key.maxConcurrent)
      throw overloaded(`The key has ${ofKey} calls open, as many as it may have at a time.`);
    const own = this.#shares.get(workspace) ?? { calls: 0, bytes: 0 };
    const ownCalls = maxConcurrent ?? Math.ceil(maxCalls * SHARE);
    if (own.calls >= ownCalls) throw overloaded(`The workspace has ${ownCalls} calls open, as many as it may have at a time.`);
    if (this.#all.calls >= maxCalls) throw overloaded("The gateway has as many calls open as it may have at a time.");
    this.#requireBytes(own, bodyBytes);
    this.#shares.set(workspace, own);
    this.#all.calls += 1;
    own.calls += 1;
    if (key !== undefined) this.#keys.set(key.id, ofKey + 1);
    const place = new Place(this, workspace, own, key?.id);
    place.hold(bodyBytes);
    return place;
  }

  /** Called by a place. @throws GatewayError `overloaded` */
  hold(own: Share, bytes: number): void {
    this.#requireBytes(own, bytes);
    this.#all.bytes += bytes;
    own.bytes += bytes;
  }

  /** Called by a place. */
  letGo(workspace: string, own: Share, bytes: number): void {
    this.#all.bytes -= bytes;
    own.bytes -= bytes;
    this.#forget(workspace, own);
  }

  /** Called by a place. */
  leave(workspace: string, own: Share, key: string | undefined): void {
    this.#all.calls -= 1;
    own.calls -= 1;
    if (key !== undefined) {
      const left = (this.#keys.get(key) ?? 0) - 1;
      if (left > 0) this.#keys.set(key, left);
      else this.#keys.delete(key);
    }
    this.#forget(workspace, own);
  }

  /** Drops a share that is empty. An answer may be held longer than its call lasts. */
  #forget(workspace: string, own: Share): void {
    if (own.calls === 0 && own.bytes === 0) this.#shares.delete(workspace);
  }

  #requireBytes(own: Share, bytes: number): void {
    const { maxBufferedBytes } = this.#bounds;
    if (own.bytes + bytes > maxBufferedBytes * SHARE)
      throw overloaded(`${BODIES} of this workspace are as large as they may be at a time.`);
    if (this.#all.bytes + bytes > maxBufferedBytes)
      throw overloaded(`${BODIES} that the gateway holds are as large as they may be at a time.`);
  }
}

/** One call's place in the room. */
export class Place {
  readonly #room: Room;
  readonly #workspace: string;
  readonly #own: Share;
  readonly #key: string | undefined;
  #bytes = 0;
  #answerBytes = 0;
  #over = false;

  constructor(room: Room, workspace: string, own: Share, key: string | undefined) {
    this.#key = key;
    this.#room = room;
    this.#workspace = workspace;
    this.#own = own;
  }

  /**
   * Counts bytes of the body that have arrived. After `leave` they are not counted, because they are not kept.
   * @throws GatewayError `overloaded`
   */
  hold(bytes: number): void {
    if (this.#over) return;
    this.#room.hold(this.#own, bytes);
    this.#bytes += bytes;
  }

  /** The body is not needed any more. */
  letGo(): void {
    if (this.#bytes === 0) return;
    this.#room.letGo(this.#workspace, this.#own, this.#bytes);
    this.#bytes = 0;
  }

  /**
   * Counts bytes of the answer that wait for the client to read them; also after `leave`.
   * @throws GatewayError `overloaded`
   */
  holdAnswer(bytes: number): void {
    this.#room.hold(this.#own, bytes);
    this.#answerBytes += bytes;
  }

  /** The client has read all bytes of the answer, or has left. */
  letGoOfAnswer(): void {
    if (this.#answerBytes === 0) return;
    this.#room.letGo(this.#workspace, this.#own, this.#answerBytes);
    this.#answerBytes = 0;
  }

  /** The call has ended. May be called more than once. */
  leave(): void {
    if (this.#over) return;
    this.letGo();
    this.#over = true;
    this.#room.leave(this.#workspace, this.#own, this.#key);
  }
}

function overloaded(what: string): GatewayError {
  return new GatewayError("overloaded", { message: `${what} Please try again.` });
}
