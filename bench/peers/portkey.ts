/**
 * Portkey's gateway, on Node, as https://portkey.ai/docs and its own repository set it up. It has no keys of its own: it hands on the caller's
 * `authorization`, so no call is refused and nothing is limited, which is work that it is spared.
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
    // Its only install script patches nothing in a published package.
    return [{ words: ["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts"] }];
  },
  prepare: ({ installed, port }, { certificate }) => ({
    // https://github.com/Portkey-AI/gateway/blob/main/docs/installation-deployments.md: `node build/start-server.js`, for production one process a
    // container. `--headless`: no console, and none of the log stream that feeds it.
    words: ["node", join(installed, "node_modules/@portkey-ai/gateway/build/start-server.js"), "--headless", `--port=${port}`],
    environment: {
      // As its Dockerfile has it; the console and its log stream are off in production as well.
      NODE_ENV: "production",
      ...(certificate === undefined ? {} : { NODE_EXTRA_CA_CERTS: certificate }),
    },
    readyPath: "/",
  }),
  address: ({ upstreamUrl }) => ({
    path: "/v1/chat/completions",
    headers: {
      authorization: `Bearer ${PEER_KEY}`,
      // https://portkey.ai/docs/api-reference/inference-api/headers: provider by header, so no configuration is parsed;
      // no `x-portkey-config`, `-cache`, `-retry-count` or `-metadata`: nothing is cached, tried again or logged.
      "x-portkey-provider": "openai",
      // https://portkey.ai/docs/product/ai-gateway/custom-hosts: loopback is trusted as it comes.
      "x-portkey-custom-host": `${upstreamUrl}/openai/v1`,
    },
  }),
};
