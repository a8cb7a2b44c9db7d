import type { DialectName } from "../../../src/contract/dialect.ts";
import type { Flat } from "../../../src/contract/messages.ts";
import { dialects } from "../../../src/dialects/index.ts";
import type { CallHost } from "../../../workers/call.ts";
import { Count } from "../../../workers/count.ts";
import { Estimator } from "../../../workers/estimator.ts";
import { Hold } from "../../../workers/hold.ts";
import { Outbox } from "../../../workers/outbox.ts";
import { openAzure } from "../../../workers/providers/azure/azure.ts";
import { openBedrock } from "../../../workers/providers/bedrock/bedrock.ts";
import type { Adapter, Job } from "../../../workers/providers/provider.ts";
import { Relay } from "../../../workers/relay.ts";
import { Wheel } from "../../../workers/wire/clock.ts";
import type { HttpEvents } from "../../../workers/wire/http.ts";
import { isEnd, type Report, reportsIn } from "../../support/messages.ts";
import { job, REQUEST } from "../../unit/workers/providers/upstream.ts";

const TIMEOUTS = { connectMs: 1, firstByteMs: 1, silenceMs: 1, totalMs: 1 };
const SCHEDULED = { wheel: new Wheel(), estimator: new Estimator(), hold: new Hold(), keepAliveMs: 60_000 };

const upstream = (provider: string, settings: Record<string, unknown>) => ({
  name: `${provider}-eu`,
  provider,
  dialect: provider === "azure" ? ("openai" as const) : ("anthropic" as const),
  region: "eu",
  ca: undefined,
  settings,
});

export const CLOUDS: Readonly<Record<"azure" | "bedrock", Adapter>> = {
  azure: openAzure(
    upstream("azure", { endpoint: "https://azure.test", api: "v1", credentials: { kind: "key", apiKey: "not-a-key" } }) as never,
  ),
  bedrock: openBedrock(
    upstream("bedrock", {
      endpoint: "https://aws.test",
      awsRegion: "eu-west-1",
      credentials: { kind: "bearer", token: "no-token" },
    }) as never,
  ),
};

export interface Scene {
  events: HttpEvents;
  /** Pauses, resumes and aborts of the upstream's connection, in order. */
  did: string[];
  /** What was reported so far. */
  reports(): Report[];
  /** The kind that the call failed with, "done", or undefined while it goes on. */
  end(): string | undefined;
  /** The JSON of the failure's detail. */
  detail(): string;
}

export async function sceneOf(
  cloud: Partial<Adapter> & Pick<Adapter, "reader">,
  dialect: DialectName,
  { operation = "generate", stream = true }: Partial<Pick<Job, "operation" | "stream">> = {},
): Promise<Scene> {
  const said: Flat = [];
  const did: string[] = [];
  let say = () => {};
  let events: HttpEvents | undefined;
  const note = (what: string) => () => void did.push(what);
  const host: CallHost = {
    ...SCHEDULED,
    client: {
      send: (_request, _timeouts, listener) => {
        events = listener;
        return { pause: note("pause"), resume: note("resume"), letEnd: note("let end"), abort: note("abort") };
      },
      forget: () => {},
      close: () => {},
    },
    outbox: new Outbox(
      (message) => void said.push(...message),
      (flush) => {
        say = flush;
      },
    ),
  };
  const asked = job({ operation, stream, body: '{"messages":[]}', hints: "", model: "claude", upstreamModel: "m" });
  const adapter = { ...CLOUDS.bedrock, ...cloud, request: () => REQUEST };
  const Carrier = operation === "count_tokens" ? Count : Relay;
  new Carrier(
    1,
    host,
    dialects[dialect],
    asked,
    { estimate: 1, guess: 1, factor: 1 },
    { id: 1, name: "u", adapter, secrets: [], timeouts: TIMEOUTS },
    note("over"),
    note("missed"),
  );
  // A count sends in a later task.
  await Promise.resolve();
  if (events === undefined) throw new Error("nothing was sent");
  const reports = () => {
    say();
    return reportsIn(said);
  };
  const ends = () => reports().filter(isEnd);
  return {
    events,
    did,
    reports,
    end: () => {
      const all = ends();
      if (all.length > 1) throw new Error("a call has ended twice");
      return all[0] && (all[0].error?.kind ?? "done");
    },
    detail: () => JSON.stringify(ends()[0]?.error?.detail ?? {}),
  };
}
