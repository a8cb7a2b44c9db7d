/** Which sockets a connection is made of. */
import type { ProxyServer } from "./proxy.ts";
import { dialNative, hasNativeSockets, lingering } from "./sockets/native.ts";
import { dialNode } from "./sockets/node.ts";
import type { Dial } from "./sockets/wire.ts";

/** `node`: those of `node:net` everywhere. `native`: the runtime's own where it has them and can use them. */
export type SocketKind = "native" | "node";

/**
 * A native dial that was given up keeps its descriptor until the system gives up too (two minutes). So many of them may be left in a thread;
 * while there are more, some upstream's packets are being dropped, and connections are dialled by the sockets that can be taken back.
 */
const MOST_LINGERING = 64;

const dialDirect: Dial = (route, settled) => (lingering() < MOST_LINGERING ? dialNative : dialNode)(route, settled);

/** How connections of one origin are opened. A tunnel changes hands after CONNECT, which native sockets cannot do. */
export function dialer(kind: SocketKind, proxy: ProxyServer | undefined): Dial {
  return kind === "node" || proxy !== undefined || !hasNativeSockets ? dialNode : dialDirect;
}
