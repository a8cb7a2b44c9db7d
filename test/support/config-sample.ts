/** Configurations for the tests of `config.ts`: each is written to a new folder and read as a file. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ConfigError, type LoadedConfig, readConfig } from "../../src/config/config.ts";

/** The memory of the machine that these tests suppose. */
const MEMORY = 8 * 1024 ** 3;
export const NOW_MS = Date.parse("2026-11-22T12:00:00Z");

export const BEDROCK_EU = "bedrock-eu: { provider: bedrock, region: eu, aws_region: eu-central-1 }";
export const AZURE_EU =
  "azure-eu: { provider: azure, region: eu, endpoint: https://acme.openai.azure.com, credentials: { api_key: azure-secret-0123456789 } }";
/** The smallest configuration that is good. */
export const SMALL = `upstreams:
  ${BEDROCK_EU}
models:
  claude: { targets: [{ upstream: bedrock-eu, model: eu.anthropic.claude-sonnet-4-6 }] }
workspaces:
  acme: {}
`;

export interface Surroundings {
  environment?: Record<string, string>;
  /** Name → content of files beside the configuration. */
  files?: Record<string, string>;
  /** Default: 4. */
  processors?: number;
  /** Default: `NOW_MS`. */
  nowMs?: number;
}

export function writeSample(yaml: string, files: Record<string, string> = {}): string {
  const directory = mkdtempSync(join(tmpdir(), "weir-config-"));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  writeFileSync(join(directory, "weir.yaml"), yaml);
  return join(directory, "weir.yaml");
}

export function load(yaml: string, { environment = {}, files, processors = 4, nowMs = NOW_MS }: Surroundings = {}): LoadedConfig {
  const file = writeSample(yaml, files);
  try {
    return readConfig({ file, environment, directory: dirname(file), nowMs, processors, memory: MEMORY });
  } finally {
    rmSync(dirname(file), { recursive: true });
  }
}

/** Every mistake that is found in a configuration; none where it is good. */
export function mistakes(yaml: string, surroundings: Surroundings = {}): readonly string[] {
  try {
    load(yaml, surroundings);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}
