/**
 * `check --online`: whether each upstream accepts its credential and has its deployment. The code that serves calls sends a conversation without a
 * message: the cloud checks the credential and the model, refuses the request, and bills nothing.
 */

import { withoutSecrets } from "../config/shown.ts";
import { type ByteText, encodeUtf8 } from "../contract/bytes.ts";
import { type CallEvents, NOTHING_ALONG, ONLY_THE_END } from "../contract/call.ts";
import type { Config } from "../contract/config.ts";
import type { ErrorKind, GatewayError } from "../contract/errors.ts";
import { WorkerPool } from "../pool/pool.ts";
import { Catalog } from "../routing/catalog.ts";
import type { RoutedTarget } from "../routing/targets.ts";
import type { Outcome } from "./command.ts";
import { table } from "./terminal.ts";

/** For looking up a name, connecting, fetching a token and the refusal. */
const PATIENCE_MS = 20_000;
/** Requests at the same time: enough for hundreds of deployments, and too few to look like an attack. */
const AT_ONCE = 8;
const LONGEST_REASON = 300;

/** Refusals that prove that credential and model are good: the cloud refused the request for its content, or because there were too many before it. */
const PROVEN: ReadonlySet<ErrorKind> = new Set(["upstream_rejected", "invalid_request", "upstream_rate_limited"]);

/** Asks every upstream of `config`, those of workspaces included, for each model that a target names there. */
export async function askUpstreams(config: Config, patienceMs: number = PATIENCE_MS): Promise<Outcome> {
  const catalog = new Catalog(config);
  // Several aliases and workspaces may name the same model of an upstream.
  const places = new Map(catalog.targets.map((target) => [`${target.upstream.name}\n${target.model}`, target]));
  const pool = new WorkerPool({ size: 0, onDeath: () => {}, onNotice: () => {}, onLesson: () => {} });
  await pool.configure({ proxy: config.proxy, weighing: [], targets: catalog.targets });
  const waiting = [...places.values()];
  const asked: { target: RoutedTarget; reason: string | undefined }[] = [];
  const takeTurns = async (): Promise<void> => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift())
      asked.push({ target, reason: await whyNot(pool, target, patienceMs) });
  };
  await Promise.all(Array.from({ length: AT_ONCE }, takeTurns));
  pool.close();
  return outcomeOf(asked, unused(config, catalog));
}

function outcomeOf(asked: { target: RoutedTarget; reason: string | undefined }[], unasked: string[]): Outcome {
  const rows = asked
    .map(({ target, reason }) => [target.upstream.name, target.model, reason ?? "ok"].map(withoutSecrets))
    .concat(unasked.map((name) => [withoutSecrets(name), "", "not asked: no model uses it"]))
    .sort(([one = "", two = ""], [other = "", another = ""]) => one.localeCompare(other) || two.localeCompare(another));
  const failed = asked.filter(({ reason }) => reason !== undefined).length;
  const sum = failed === 0 ? "each accepted its credential and has its model" : `${failed} of ${asked.length} failed`;
  return { text: `Upstreams, asked just now: ${sum}\n${table(rows)}\n`, exitCode: failed === 0 ? 0 : 1 };
}

/** The names of upstreams that no target uses. */
function unused(config: Config, catalog: Catalog): string[] {
  const used = new Set(catalog.targets.map(({ upstream }) => upstream.name));
  const all = [config, ...Object.values(config.workspaces)].flatMap(({ upstreams }) => Object.values(upstreams));
  return all.map(({ name }) => name).filter((name) => !used.has(name));
}

/** Why a call to this target would fail, with the cure; undefined where the call would not fail. Never rejects. */
function whyNot(pool: WorkerPool, { id, model, upstream }: RoutedTarget, patienceMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const end = (reason: string | undefined): void => {
      clearTimeout(timer);
      resolve(reason);
    };
    const timer = setTimeout(() => {
      call?.cancel();
      end(`failed: no answer within ${patienceMs / 1000} s; check its address, the proxy and the network`);
    }, patienceMs);
    const events: CallEvents = {
      ...ONLY_THE_END,
      done: () => end(undefined),
      fail: (error) => end(PROVEN.has(error.kind) ? undefined : reasonOf(error)),
      lost: (error) => end(reasonOf(error)),
    };
    const call = pool.call(
      {
        dialect: upstream.dialect,
        operation: "generate",
        target: id,
        isLast: true,
        stream: false,
        model,
        hints: "",
        owner: "",
        along: NOTHING_ALONG,
        guess: 1,
        factor: 1,
        body: emptyQuestion(model),
      },
      events,
    );
  });
}

/** A request that both dialects have. An upstream that accepts it answers with one token. */
function emptyQuestion(model: string): ByteText {
  return encodeUtf8(JSON.stringify({ model, max_tokens: 1, messages: [] }));
}

/** The words for the log: they name the cure and hold no secret. */
function reasonOf({ kind, detail }: GatewayError): string {
  return `failed: ${kind}: ${detail.log ?? detail.message}`.slice(0, LONGEST_REASON);
}
