/** Other gateways, each installed by its ordinary client into a cache folder. One that cannot be had is told with the reason, and fails nothing. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requestBody, SPEECHES } from "../scenarios/scenario.ts";
import type { Peers, Question, Variant } from "../variant.ts";
import { verify } from "../verify.ts";
import { bifrost } from "./bifrost.ts";
import { installed, oneLine } from "./install.ts";
import { litellm } from "./litellm.ts";
import type { Peer } from "./peer.ts";
import { portkey } from "./portkey.ts";
import { variantOf } from "./start.ts";
import { PEER_VERSIONS } from "./versions.ts";

const PEERS: readonly Peer[] = [portkey, litellm, bifrost];

/** `cacheFolder` outlives the run; `upstreamUrl` is the stand-in over plain HTTP. */
export async function peers(names: readonly string[], cacheFolder: string, upstreamUrl: string): Promise<Peers> {
  const found: Peers = { variants: [], versions: {}, notRun: [] };
  for (const name of new Set(names)) {
    const peer = PEERS.find((one) => one.name === name);
    try {
      if (peer === undefined) throw new Error(`no such peer; there are ${PEERS.map((one) => one.name).join(", ")}`);
      const variant = variantOf(peer, await installed(peer, cacheFolder));
      await tried(variant, upstreamUrl);
      found.variants.push(variant);
      found.versions[name] = PEER_VERSIONS[peer.name];
    } catch (thrown) {
      found.notRun.push({ what: name, why: oneLine(thrown instanceof Error ? thrown.message : String(thrown), cacheFolder) });
    }
  }
  return found;
}

/** Whether it starts here, and answers rightly: better known before a run of an hour than in its midst. */
async function tried(variant: Variant, upstreamUrl: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "weir-peer-"));
  try {
    const running = await variant.start({ folder, upstreamUrl, certificate: undefined, limiter: "off", redisUrl: undefined });
    try {
      for (const question of QUESTIONS) {
        const address = running.address(question);
        if (address === undefined) continue;
        await verify({ running, address, body: requestBody(question, "Hello"), certificate: undefined }, question, true);
      }
    } finally {
      await running.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const QUESTIONS: readonly Question[] = Object.values(SPEECHES).flatMap(({ dialect, models }) =>
  [false, true].map((stream) => ({ dialect, model: models.burst, atOnce: models.burst, stream })),
);
