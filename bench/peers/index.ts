/**
 * Installs other gateways with their ordinary clients into a cache folder. One that cannot be installed is listed with the reason; the run goes on
 * without it.
 */
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
import { PEER_VERSIONS, type PeerName } from "./versions.ts";

const PEERS: Readonly<Record<PeerName, Peer>> = { portkey, litellm, bifrost };

/**
 * @param cacheFolder stays after the run
 * @param upstreamUrl the address of the stand-in without TLS
 * @param tell reports what takes a while
 */
export async function peers(
  names: readonly PeerName[],
  cacheFolder: string,
  upstreamUrl: string,
  tell: (what: string) => void,
): Promise<Peers> {
  const found: Peers = { variants: [], versions: {}, notRun: [] };
  for (const name of new Set(names)) {
    const peer = PEERS[name];
    try {
      const folder = await installed({ ...peer, version: PEER_VERSIONS[name] }, cacheFolder, tell);
      tell(`starting ${name}, and asking it for the first time`);
      const variant = variantOf(peer, folder);
      await tried(variant, upstreamUrl);
      found.variants.push(variant);
      found.versions[name] = PEER_VERSIONS[name];
    } catch (thrown) {
      const why = oneLine(thrown instanceof Error ? thrown.message : String(thrown), cacheFolder);
      tell(`${name} is not run: ${why}`);
      found.notRun.push({ what: name, why });
    }
  }
  return found;
}

/** Throws where the peer does not start, or has a wrong answer, so that this is known before a long run. */
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
