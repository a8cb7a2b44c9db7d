/** The gateway with a limiter of the test's own, in this process: for windows shorter than a minute and for moments that no clock can hit. */

import { readConfig } from "../../../src/config/config.ts";
import { Reply, ReplyHeaders } from "../../../src/contract/http.ts";
import { FileStore } from "../../../src/directory/file.ts";
import { Replica } from "../../../src/directory/replica.ts";
import { Admission } from "../../../src/limiter/admission.ts";
import type { Limiter } from "../../../src/limiter/limiter.ts";
import { LineBatch } from "../../../src/log/batch.ts";
import { Metrics } from "../../../src/metrics/metrics.ts";
import { type PoolOptions, WorkerPool } from "../../../src/pool/pool.ts";
import { AccessLog } from "../../../src/request/access-log.ts";
import { BodyClock } from "../../../src/request/body/clock.ts";
import { Callers } from "../../../src/request/client/caller.ts";
import { Deadlines } from "../../../src/request/client/deadlines.ts";
import { TrustedProxies } from "../../../src/request/client/forwarded.ts";
import { Keyring } from "../../../src/request/client/keyring.ts";
import { Gateway } from "../../../src/request/gateway.ts";
import { Room } from "../../../src/request/load/room.ts";
import { Turns } from "../../../src/request/load/turns.ts";
import { Router } from "../../../src/routing/router.ts";
import { RoutingTable } from "../../../src/routing/routing-table.ts";
import type { RoutedTarget } from "../../../src/routing/targets.ts";
import { open } from "../../../src/runtime/open.ts";
import { keyEntry } from "../../support/weir.ts";
import { Call } from "../client.ts";
import type { Spoken } from "../dialects.ts";
import { type Recorder, startRecorder } from "../recorder.ts";

const KEY = "weir_limits_inside_Rb5Yk8Ld3Vh1";

export interface InProcess {
  recorder: Recorder;
  open(dialect: Spoken, body: Record<string, unknown>): Call;
  /** Calls that have ended so. */
  ended(outcome: string): Promise<number>;
  stop(): Promise<void>;
}

/**
 * Workspace `acme`, `limits` for all; without `models` in the configuration, so every model of the catalogue is there, aliases included.
 * @param more - Goes into the configuration.
 * @param workers - In place of one thread.
 */
export async function startInProcess(
  limiter: Limiter,
  limits: object,
  more: object = {},
  workers: Partial<PoolOptions> = {},
): Promise<InProcess> {
  const recorder = await startRecorder();
  const credentials = { access_key_id: "AKIDEXAMPLE", secret_access_key: "not-checked-here" };
  const document = {
    server: { host: "127.0.0.1", port: 0 },
    workers: 1,
    limits,
    upstreams: { "bedrock-eu": { provider: "bedrock", region: "eu", aws_region: "eu-central-1", endpoint: recorder.url, credentials } },
    workspaces: { acme: { default_region: "eu", keys: [keyEntry("ci", KEY)] } },
    ...more,
  };
  const { config } = readConfig({ document, environment: {} });
  const metrics = new Metrics();
  const routingTable = new RoutingTable(config);
  const pool = new WorkerPool({ size: 1, onDeath: () => {}, onNotice: () => {}, onLesson: () => {}, ...workers });
  await pool.configure({ proxy: undefined, weighing: routingTable.weighing, targets: routingTable.targets });
  const gateway = new Gateway({
    config,
    admission: new Admission(limiter),
    keyring: new Keyring(new Replica(config, new FileStore({ file: "/nonexistent/weir-keys.json" }))),
    routingTable,
    router: new Router<RoutedTarget>(),
    pool,
    metrics,
    room: new Room(config.server),
    totals: { count: () => {} },
    accessLog: new AccessLog(new LineBatch({ write: () => {}, takes: () => false }), config.log),
    callers: new Callers(new TrustedProxies([]), undefined),
    pages: { paths: [], answer: () => new Reply(200, new ReplyHeaders(), "") },
    readiness: () => ({ ready: true, detail: {} }),
    deadlines: new Deadlines(),
    turns: new Turns(),
    bodyClock: new BodyClock(config.server.clocks.sendingMs),
  });
  const listener = await open(config, {
    host: "127.0.0.1",
    port: 0,
    handle: (request) => gateway.handle(request),
    refuse: (request, flaw) => gateway.refuse(request, flaw),
    onFault: (thrown) => {
      throw thrown;
    },
  });
  const { port } = listener;
  return {
    recorder,
    open: (dialect, body) =>
      new Call(port, {
        path: dialect.path,
        headers: { "content-type": "application/json", "x-api-key": KEY },
        body: JSON.stringify(body),
      }),
    async ended(outcome) {
      const lines = (await metrics.render()).split("\n").filter((line) => line.startsWith("weir_requests_total{"));
      return lines.filter((line) => line.includes(`outcome="${outcome}"`)).reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
    },
    async stop() {
      pool.close();
      recorder.close();
      await Promise.race([listener.close(), Bun.sleep(500)]);
      await limiter.close();
    },
  };
}
