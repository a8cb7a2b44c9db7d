/**
 * LiteLLM's proxy, configured as in https://docs.litellm.ai/docs/proxy/prod, but without a database and without Redis. It has one key and no limits,
 * and records no costs.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PACES } from "../answers.ts";
import { PEER_KEY, type Peer, UPSTREAM_KEY } from "./peer.ts";
import { PEER_VERSIONS } from "./versions.ts";

const MODELS = Object.keys(PACES).filter((model) => model.startsWith("gpt"));

/** The configuration as JSON, which is also YAML. */
const configuration = (upstreamUrl: string): string =>
  JSON.stringify({
    model_list: MODELS.map((model) => ({
      model_name: model,
      // https://docs.litellm.ai/docs/providers/openai_compatible: the model has its provider before it, and the base URL ends with /v1.
      litellm_params: { model: `openai/${model}`, api_base: `${upstreamUrl}/openai/v1`, api_key: UPSTREAM_KEY },
    })),
    general_settings: {
      // https://docs.litellm.ai/docs/proxy/prod: a master key. Without a database it is the only key.
      master_key: PEER_KEY,
      // The same page, "Disable spend_logs & error_logs if not using the LiteLLM UI".
      disable_spend_logs: true,
      disable_error_logs: true,
    },
    litellm_settings: {
      // The config.yaml on the same page.
      request_timeout: 600,
      set_verbose: false,
      // https://docs.litellm.ai/docs/proxy/logging: no call is reported.
      callbacks: [],
      success_callback: [],
      failure_callback: [],
      // https://docs.litellm.ai/docs/proxy/caching
      cache: false,
      // https://docs.litellm.ai/docs/proxy/config_settings
      telemetry: false,
    },
    // https://docs.litellm.ai/docs/proxy/reliability: no retries, so that a failed call is seen.
    router_settings: { num_retries: 0, disable_cooldowns: true },
  });

export const litellm: Peer = {
  name: "litellm",
  dialects: ["openai"],
  install: (folder) => [
    { words: ["python3", "-m", "venv", folder] },
    { words: [join(folder, "bin/pip"), "install", "--quiet", "--no-cache-dir", `litellm[proxy]==${PEER_VERSIONS.litellm}`] },
  ],
  prepare: ({ installed, folder, port, processors }, { upstreamUrl, certificate }) => {
    const file = join(folder, "config.yaml");
    writeFileSync(file, configuration(upstreamUrl));
    return {
      // https://docs.litellm.ai/docs/proxy/prod, "Match Uvicorn Workers to CPU Count": the advice for a machine where no autoscaler adds pods.
      words: [
        join(installed, "bin/litellm"),
        "--config",
        file,
        "--host",
        "127.0.0.1",
        "--port",
        `${port}`,
        "--num_workers",
        `${processors}`,
      ],
      environment: {
        // The same page: it looks for no .env file, and logs no line for a call.
        LITELLM_MODE: "PRODUCTION",
        LITELLM_LOG: "ERROR",
        // https://docs.litellm.ai/docs/proxy/config_settings: use the prices in the package. Otherwise each start fetches them.
        LITELLM_LOCAL_MODEL_COST_MAP: "True",
        ...(certificate === undefined ? {} : { SSL_CERT_FILE: certificate }),
      },
      // https://docs.litellm.ai/docs/proxy/health
      readyPath: "/health/liveliness",
    };
  },
  address: () => ({ path: "/v1/chat/completions", headers: { authorization: `Bearer ${PEER_KEY}` } }),
};
