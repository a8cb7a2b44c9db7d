/** The version of each peer that is installed and measured. */
export const PEER_VERSIONS = {
  /** npm, `@portkey-ai/gateway`. */
  portkey: "1.15.2",
  /** PyPI, `litellm[proxy]`. From 1.108 on, its `proxy` extra needs packages that PyPI did not have when this version was chosen. */
  litellm: "1.106.12",
  /** Go, `github.com/maximhq/bifrost/transports/bifrost-http`. From 2.0 on, Go cannot install it by this path, because the path has no `/v2`. */
  bifrost: "v1.6.0",
} as const;

/** npm. With a newer version, every stream of Portkey ends in a 500 (https://github.com/Portkey-AI/gateway/issues/1389, open). */
export const PORTKEY_NODE_SERVER = "1.14.1";

export type PeerName = keyof typeof PEER_VERSIONS;
