/** What is installed, and measured, of each peer: the one place to raise a version. */
export const PEER_VERSIONS = {
  /** npm, `@portkey-ai/gateway`. */
  portkey: "1.15.2",
  /** PyPI, `litellm[proxy]`. 1.108 and later name packages in their `proxy` extra that PyPI's index did not have when this was pinned. */
  litellm: "1.106.12",
  /** Go, `github.com/maximhq/bifrost/transports/bifrost-http`. From 2.0 on Go cannot install it by this path: the module has no `/v2`. */
  bifrost: "v1.6.0",
} as const;

/** npm: with a newer one every stream of Portkey's ends in a 500 (https://github.com/Portkey-AI/gateway/issues/1389, open). */
export const PORTKEY_NODE_SERVER = "1.14.1";

export type PeerName = keyof typeof PEER_VERSIONS;
