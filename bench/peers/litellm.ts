/** LiteLLM's proxy as https://docs.litellm.ai/docs/proxy/prod sets it up, without a database and without Redis: one key, no limits, no spend. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PACES } from "../answers.ts";
import { PEER_KEY, type Peer, UPSTREAM_KEY } from "./peer.ts";
import { PEER_VERSIONS } from "./versions.ts";

const MODELS = Object.keys(PACES).filter((model) => model.startsWith("gpt"));

/** JSON is YAML. */
const configuration = (upstreamUrl: string): string =>
  JSON.stringify({
    model_list: MODELS.map((model) => ({
      model_name: model,
      // https://docs.litellm.ai/docs/providers/openai_compatible: the provider before the model, the base URL with its /v1.
      litellm_params: { model: `openai/${model}`, api_base: `${upstreamUrl}/openai/v1`, api_key: UPSTREAM_KEY },
    })),
    general_settings: {
      // https://docs.litellm.ai/docs/proxy/prod: a master key; without a database it is the only one.
      master_key: PEER_KEY,
      // The same page, "Disable spend_logs & error_logs if not using the LiteLLM UI".
      disable_spend_logs: true,
      disable_error_logs: true,
    },
    litellm_settings: {
      // The same page's config.yaml.
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
    // https://docs.litellm.ai/docs/proxy/reliability: a failed call is a failed call.
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
      // https://docs.litellm.ai/docs/proxy/prod, "Match Uvicorn Workers to CPU Count": what it says of a machine of its own, where no autoscaler adds pods.
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
        // The same page: no .env file is looked for, and no line is logged for a call.
        LITELLM_MODE: "PRODUCTION",
        LITELLM_LOG: "ERROR",
        // https://docs.litellm.ai/docs/proxy/config_settings: the prices that come with the package; else each start fetches them.
        LITELLM_LOCAL_MODEL_COST_MAP: "True",
        ...(certificate === undefined ? {} : { SSL_CERT_FILE: certificate }),
      },
      // https://docs.litellm.ai/docs/proxy/health
      readyPath: "/health/liveliness",
    };
  },
  address: () => ({ path: "/v1/chat/completions", headers: { authorization: `Bearer ${PEER_KEY}` } }),
};
