/**
 * Makes the job for the load generator from a scenario and the variants that run. Each variant is asked, and its answers are read whole, before anything is
 * timed.
 */
import { readFileSync } from "node:fs";
import { CHUNKS, PACES } from "./answers.ts";
import type { Job, Target, Trust } from "./load/job.ts";
import { TURNING } from "./load/turns.ts";
import { contentOf, requestBody, type Scenario } from "./scenarios/scenario.ts";
import type { Settings } from "./settings.ts";
import type { Running, Variant, World } from "./variant.ts";
import { type Asking, verify, verifyHostile, verifyRefusal } from "./verify.ts";

export interface Named {
  variant: Variant;
  running: Running;
}

/** A compiled program only has to open connections and to fill its buffers. */
const COMPILED_WARM_UP_MS = 1_000;

/** Undefined where none of the variants has the dialect. */
export async function jobOf(scenario: Scenario, asked: readonly Named[], world: World, settings: Settings): Promise<Job | undefined> {
  const targets: Target[] = [];
  for (const one of asked) targets.push(...(await targetOf(scenario, one, world, settings)));
  const [first, running] = [targets[0], asked[0]?.running];
  if (first === undefined || running === undefined) return undefined;
  const { question, kind, callers, perSecond, neighbour } = scenario;
  const content = contentOf(scenario);
  const pace = PACES[question.model];
  const address = { path: first.path, headers: first.headers };
  const hostile = neighbour?.body(question) ?? "";
  const asking = (change: Partial<Asking>): Asking => ({
    running,
    address,
    body: requestBody(question, content),
    certificate: undefined,
    ...change,
  });
  return {
    kind,
    targets,
    body: requestBody(question, content),
    warmUpBody: requestBody({ ...question, model: question.atOnce }, content),
    callers: Math.min(callers, settings.mostCallers),
    perSecond,
    countMs: settings.countMs,
    chunks: question.stream ? CHUNKS : 0,
    paceMs: typeof pace === "number" ? pace / settings.hurry : 0,
    neighbour:
      neighbour === undefined
        ? undefined
        : { body: hostile, expect: await verifyHostile(asking({ body: hostile })), perSecond: neighbour.perSecond },
    turns: TURNING.has(kind) ? settings.turns : 0,
  };
}

async function targetOf(scenario: Scenario, { variant, running }: Named, world: World, { warmUpMs }: Settings): Promise<Target[]> {
  const { question } = scenario;
  const address = running.address(question);
  // A slow stream takes minutes. The same stream without pauses has the same bytes.
  const brisk = { ...question, model: question.atOnce };
  const briskAddress = running.address(brisk);
  if (address === undefined || briskAddress === undefined) return [];
  const { hostname, port, protocol } = new URL(running.url);
  const isTls = protocol === "https:";
  const certificate = isTls ? world.certificate : undefined;
  const asking = { running, address: briskAddress, body: requestBody(brisk, contentOf(scenario)), certificate };
  const refused = scenario.refuses ? running.refused?.(question) : undefined;
  return [
    {
      name: variant.name,
      host: hostname,
      port: Number(port || (isTls ? 443 : 80)),
      tls: isTls ? trust(certificate) : undefined,
      path: address.path,
      warmUpPath: briskAddress.path,
      warmUpMs: variant.isCompiled ? Math.min(warmUpMs, COMPILED_WARM_UP_MS) : warmUpMs,
      headers: address.headers,
      expect: await verify(asking, brisk, running.isElsewhere !== true),
      pids: running.pids(),
      ...(running.metricsUrl === undefined ? {} : { metricsUrl: running.metricsUrl }),
      ...(refused === undefined
        ? {}
        : { refused: { headers: refused.headers, expect: await verifyRefusal({ ...asking, address: refused }) } }),
    },
  ];
}

const trust = (certificate: string | undefined): Trust => (certificate === undefined ? true : { ca: readFileSync(certificate, "utf8") });
