/** Another gateway: how it is had, and how it is started. Each is one file and one line in the index. */
import type { Address, CallDialect, World } from "../variant.ts";
import type { PeerName } from "./versions.ts";

export interface Peer {
  name: PeerName;
  /** The dialects in which it can be asked and for which the stand-in can be its upstream. */
  dialects: readonly CallDialect[];
  /** The commands that install it into `folder`, which is empty and may be written to, in this order. */
  install(folder: string): Command[];
  /** Writes into `folder`, which is empty, whatever it reads, and tells how it is started. It has to listen on 127.0.0.1, and on `port`. */
  prepare(place: Place, world: World): Start;
  /** How it is asked in one of its dialects. */
  address(world: World): Address;
}

export interface Command {
  words: readonly string[];
  environment?: Readonly<Record<string, string>>;
}

export interface Place {
  /** Where it was installed. */
  installed: string;
  folder: string;
  port: number;
  /** How many processes there is room for. */
  processors: number;
}

export interface Start extends Command {
  /** Answers 200 as soon as calls may come. */
  readyPath: string;
}

/** The one key that callers of every peer have. LiteLLM wants this beginning. */
export const PEER_KEY = "sk-weir-bench";

/** The key for the stand-in, which looks at no key. */
export const UPSTREAM_KEY = "bench";
