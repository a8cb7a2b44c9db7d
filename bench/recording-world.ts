/** What `recording.ts` needs for one call: a configuration, a workspace with its key, a model and a target. */
import { readConfig } from "../src/config/config.ts";
import { anthropic } from "../src/dialects/anthropic/anthropic.ts";
import type { Identity } from "../src/request/client/keyring.ts";
import { Catalog } from "../src/routing/catalog.ts";
import { Router } from "../src/routing/router.ts";
import type { RoutedTarget } from "../src/routing/targets.ts";

export function serveDocument() {
  const { config } = readConfig({
    environment: {},
    document: {
      upstreams: {
        "bedrock-eu": {
          provider: "bedrock",
          region: "eu",
          aws_region: "eu-central-1",
          credentials: { bearer_token: "bench-bearer-token" },
        },
      },
      models: { claude: { targets: [{ upstream: "bedrock-eu", model: "anthropic.claude-3-haiku-20240307-v1:0" }] } },
      workspaces: { research: { default_region: "eu" } },
    },
  });
  const workspace = config.workspaces.research;
  if (workspace === undefined) throw new Error("no workspace");
  const offer = new Catalog(config).find("research", "anthropic", "eu", "claude");
  const attempt = new Router<RoutedTarget>().first(offer, 0, performance.now());
  if (attempt === undefined) throw new Error("no attempt");
  attempt.outcome = "ok";
  const identity: Identity = { workspace, id: "key_0123456789abcdef", keyName: "ci", bound: undefined };
  return { config, dialect: anthropic, identity, offer, attempt };
}
