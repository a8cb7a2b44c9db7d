/**
 * Bifrost, configured without a database as in https://docs.getbifrost.ai/deployment-guides/config-json. Its npm package is not used: that is a script which
 * loads the program from a server of its maker, where no registry and no checksum protects it.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { World } from "../variant.ts";
import { PEER_KEY, type Peer, UPSTREAM_KEY } from "./peer.ts";
import { PEER_VERSIONS } from "./versions.ts";

const MODULE = "github.com/maximhq/bifrost/transports";

/** A virtual key must begin like this. Otherwise Bifrost takes it for the key of a provider. */
const VIRTUAL_KEY = `sk-bf-${PEER_KEY}`;

const configuration = ({ upstreamUrl, certificate }: World): string =>
  JSON.stringify({
    client: {
      // https://docs.getbifrost.ai/deployment-guides/config-json/client: "500–1000 is a common starting point for production".
      initial_pool_size: 1_000,
      // The same page. No call is logged, callers wait where a queue is full, and every caller needs a key.
      enable_logging: false,
      drop_excess_requests: false,
      enforce_auth_on_inference: true,
    },
    providers: {
      openai: {
        keys: [{ name: "stand-in", value: UPSTREAM_KEY, models: ["*"], weight: 1 }],
        // https://docs.getbifrost.ai/deployment-guides/config-json/providers: no retries, and long timeouts.
        network_config: {
          base_url: `${upstreamUrl}/openai`,
          max_retries: 0,
          default_request_timeout_in_seconds: 600,
          stream_idle_timeout_in_seconds: 600,
          ...(certificate === undefined ? {} : { ca_cert_pem: readFileSync(certificate, "utf8") }),
        },
        // https://docs.getbifrost.ai/providers/performance: the defaults are "suitable for most production deployments handling up to ~5000 RPS". This is
        // more, because one scenario has 10,000 streams at the same time.
        concurrency_and_buffer_size: { concurrency: 12_000, buffer_size: 15_000 },
      },
    },
    // https://docs.getbifrost.ai/deployment-guides/config-json/governance: one virtual key, without budget or limit.
    governance: {
      virtual_keys: [
        {
          id: "bench",
          name: "bench",
          value: VIRTUAL_KEY,
          is_active: true,
          provider_configs: [{ provider: "openai", allowed_models: ["*"], key_ids: ["*"], weight: 1 }],
        },
      ],
    },
    // https://docs.getbifrost.ai/deployment-guides/config-json: all settings are in this file, without a database.
    config_store: { enabled: false },
    logs_store: { enabled: false },
  });

export const bifrost: Peer = {
  name: "bifrost",
  dialects: ["openai"],
  install: (folder) => {
    const [go, source] = [join(folder, "go"), join(folder, "source")];
    const page = join(folder, "index.html");
    writeFileSync(page, "The pages of this program are not built here.\n");
    const environment = { GOPATH: go, GOCACHE: join(go, "build"), GOFLAGS: "-modcacherw", GOWORK: "off" };
    // As in https://github.com/maximhq/bifrost/blob/main/transports/Dockerfile, but without static linking, which changes no call.
    const build = ["-trimpath", "-ldflags", `-w -s -X main.Version=${PEER_VERSIONS.bifrost}`, "-o", join(folder, "bin/bifrost-http")];
    return [
      { words: ["go", "mod", "download", `${MODULE}@${PEER_VERSIONS.bifrost}`], environment },
      { words: ["cp", "-r", join(go, "pkg/mod", `${MODULE}@${PEER_VERSIONS.bifrost}`), source] },
      // `//go:embed all:ui` in its main.go needs the pages of its console. Its Dockerfile builds them, but the module does not have them, so the documented
      // `go install` fails. One page replaces them; the benchmark never asks for it.
      { words: ["mkdir", "-p", join(source, "bifrost-http/ui")] },
      { words: ["cp", page, join(source, "bifrost-http/ui")] },
      { words: ["go", "build", "-C", source, ...build, "./bifrost-http"], environment },
      // Sources and intermediate files are many times as large as the program.
      { words: ["rm", "-rf", go, source] },
    ];
  },
  prepare: ({ installed, folder, port }, world) => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "config.json"), configuration(world));
    return {
      // https://docs.getbifrost.ai/quickstart/gateway/setting-up: the folder with config.json. Go uses all processors by default.
      words: [join(installed, "bin/bifrost-http"), "-app-dir", folder, "-host", "127.0.0.1", "-port", `${port}`, "-log-level", "error"],
      readyPath: "/health",
    };
  },
  // https://docs.getbifrost.ai/integrations/openai-sdk: on the drop-in route, a model's name has no provider before it.
  address: () => ({ path: "/openai/v1/chat/completions", headers: { authorization: `Bearer ${VIRTUAL_KEY}` } }),
};
