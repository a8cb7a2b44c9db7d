/**
 * Portkey's gateway on Node, configured as in https://portkey.ai/docs and its repository. It checks no keys: it passes on the `authorization` of the
 * caller. So it refuses no call and limits nothing, which is less work than the others do.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PEER_KEY, type Peer } from "./peer.ts";
import { PEER_VERSIONS, PORTKEY_NODE_SERVER } from "./versions.ts";

export const portkey: Peer = {
  name: "portkey",
  dialects: ["openai"],
  install: (folder) => {
    const dependencies = { "@portkey-ai/gateway": PEER_VERSIONS.portkey };
    const overrides = { "@hono/node-server": PORTKEY_NODE_SERVER };
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, dependencies, overrides }));
    // Its only install script changes nothing in a published package.
    return [{ words: ["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts"] }];
  },
  prepare: ({ installed, port }, { certificate }) => ({
    // https://github.com/Portkey-AI/gateway/blob/main/docs/installation-deployments.md: `node build/start-server.js`, in production with one process for each
    // container. `--headless`: without the console and its log stream.
    words: ["node", join(installed, "node_modules/@portkey-ai/gateway/build/start-server.js"), "--headless", `--port=${port}`],
    environment: {
      // As in its Dockerfile. In production the console and its log stream are off too.
      NODE_ENV: "production",
      ...(certificate === undefined ? {} : { NODE_EXTRA_CA_CERTS: certificate }),
    },
    readyPath: "/",
  }),
  address: ({ upstreamUrl }) => ({
    path: "/v1/chat/completions",
    headers: {
      authorization: `Bearer ${PEER_KEY}`,
      // https://portkey.ai/docs/api-reference/inference-api/headers: the provider is in a header, so no configuration is parsed. Without `x-portkey-config`,
      // `-cache`, `-retry-count` and `-metadata`, nothing is cached, tried again or logged.
      "x-portkey-provider": "openai",
      // https://portkey.ai/docs/product/ai-gateway/custom-hosts: addresses on loopback are trusted by default.
      "x-portkey-custom-host": `${upstreamUrl}/openai/v1`,
    },
  }),
};
