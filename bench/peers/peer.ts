/** Another gateway: how it is installed, started and called. Each is one file and one line in the index. */
import type { Address, CallDialect, World } from "../variant.ts";
import type { PeerName } from "./versions.ts";

export interface Peer {
  name: PeerName;
  /** The dialects in which it can be called, and for which the stand-in can be its upstream. */
  dialects: readonly CallDialect[];
  /** The commands, in order, that install it into `folder`, which is empty at first. Files may be written there. */
  install(folder: string): Command[];
  /** Writes the files that it needs into `folder`, which is empty, and returns how it is started. It must listen on 127.0.0.1 and on `port`. */
  prepare(place: Place, world: World): Start;
  /** How it is called. */
  address(world: World): Address;
}

export interface Command {
  words: readonly string[];
  environment?: Readonly<Record<string, string>>;
}

export interface Place {
  /** The folder in which it was installed. */
  installed: string;
  folder: string;
  port: number;
  /** How many processors the machine has. */
  processors: number;
}

export interface Start extends Command {
  /** The path that answers 200 as soon as it is ready for calls. */
  readyPath: string;
}

/** The key for calls to every peer. LiteLLM demands that it begins with `sk-`. */
export const PEER_KEY = "sk-weir-bench";

/** The key for the stand-in, which checks no key. */
export const UPSTREAM_KEY = "bench";
