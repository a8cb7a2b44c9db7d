/**
 * Bifrost as https://docs.getbifrost.ai/deployment-guides/config-json sets it up without a database. Its npm package is not used: it is a script that
 * loads a program from a server of the maker's at every new version, which no registry has seen and no checksum holds.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { World } from "../variant.ts";
import { PEER_KEY, type Peer, UPSTREAM_KEY } from "./peer.ts";
import { PEER_VERSIONS } from "./versions.ts";

const MODULE = "github.com/maximhq/bifrost/transports";

/** Virtual keys begin so, or they are taken for a provider's. */
const VIRTUAL_KEY = `sk-bf-${PEER_KEY}`;

const configuration = ({ upstreamUrl, certificate }: World): string =>
  JSON.stringify({
    client: {
      // https://docs.getbifrost.ai/deployment-guides/config-json/client: "500–1000 is a common starting point for production".
      initial_pool_size: 1_000,
      // The same page. No call is logged, a full queue makes callers wait rather than refusing them, and every caller needs a key.
      enable_logging: false,
      drop_excess_requests: false,
      enforce_auth_on_inference: true,
    },
    providers: {
      openai: {
        keys: [{ name: "stand-in", value: UPSTREAM_KEY, models: ["*"], weight: 1 }],
        // https://docs.getbifrost.ai/deployment-guides/config-json/providers: no second try; an answer may take its time.
        network_config: {
          base_url: `${upstreamUrl}/openai`,
          max_retries: 0,
          default_request_timeout_in_seconds: 600,
          stream_idle_timeout_in_seconds: 600,
          ...(certificate === undefined ? {} : { ca_cert_pem: readFileSync(certificate, "utf8") }),
        },
        // https://docs.getbifrost.ai/providers/performance: the defaults are "suitable for most production deployments handling up to ~5000 RPS"; more
        // only where a scenario holds 10,000 streams at once.
        concurrency_and_buffer_size: { concurrency: 12_000, buffer_size: 15_000 },
      },
    },
    // https://docs.getbifrost.ai/deployment-guides/config-json/governance: one virtual key, no budget, no limit.
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
    // https://docs.getbifrost.ai/deployment-guides/config-json: all from this file, no database.
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
    // https://github.com/maximhq/bifrost/blob/main/transports/Dockerfile, but for the static linking, which changes no call.
    const build = ["-trimpath", "-ldflags", `-w -s -X main.Version=${PEER_VERSIONS.bifrost}`, "-o", join(folder, "bin/bifrost-http")];
    return [
      { words: ["go", "mod", "download", `${MODULE}@${PEER_VERSIONS.bifrost}`], environment },
      { words: ["cp", "-r", join(go, "pkg/mod", `${MODULE}@${PEER_VERSIONS.bifrost}`), source] },
      // `//go:embed all:ui` of its main.go wants its console's pages, which its Dockerfile builds and no module holds: `go install`, as its documentation
      // has it, ends there. One page in their place, which no call of ours asks for.
      { words: ["mkdir", "-p", join(source, "bifrost-http/ui")] },
      { words: ["cp", page, join(source, "bifrost-http/ui")] },
      { words: ["go", "build", "-C", source, ...build, "./bifrost-http"], environment },
      // Sources and intermediate files are many times the program.
      { words: ["rm", "-rf", go, source] },
    ];
  },
  prepare: ({ installed, folder, port }, world) => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "config.json"), configuration(world));
    return {
      // https://docs.getbifrost.ai/quickstart/gateway/setting-up: the folder that holds config.json. Go takes all processors by itself.
      words: [join(installed, "bin/bifrost-http"), "-app-dir", folder, "-host", "127.0.0.1", "-port", `${port}`, "-log-level", "error"],
      readyPath: "/health",
    };
  },
  // https://docs.getbifrost.ai/integrations/openai-sdk: the drop-in route, which takes model names without the provider's.
  address: () => ({ path: "/openai/v1/chat/completions", headers: { authorization: `Bearer ${VIRTUAL_KEY}` } }),
};
