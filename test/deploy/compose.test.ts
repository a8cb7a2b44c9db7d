/** The compose file: no container engine is needed to see whether what it mounts, names and sets is there and fits. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { runCheck } from "../../src/commands/check.ts";
import { DEPLOY } from "./prometheus.ts";

const read = (file: string) => readFileSync(join(DEPLOY, file), "utf8");

interface Service {
  image?: string;
  build?: { context: string; dockerfile: string };
  environment?: Record<string, string>;
  volumes?: string[];
  ports?: string[];
  depends_on?: Record<string, unknown>;
  stop_grace_period?: string;
}

const { services, volumes } = parse(read("compose.yaml")) as { services: Record<string, Service>; volumes: Record<string, object> };
const service = (name: string): Service => services[name] ?? {};

/** Where each thing that a service mounts appears in its container. */
const mounts = (name: string) =>
  new Map((service(name).volumes ?? []).map((text) => text.split(":").slice(0, 2).toReversed() as [string, string]));

describe("the compose file", () => {
  test("mounts what is there, and builds from this repository", () => {
    for (const name of Object.keys(services))
      for (const source of mounts(name).values())
        expect([source, source.startsWith("./") ? existsSync(join(DEPLOY, source)) : source in volumes]).toEqual([source, true]);
    const { context = "", dockerfile = "" } = service("weir").build ?? {};
    expect(existsSync(join(DEPLOY, context, dockerfile))).toBe(true);
    for (const { image = "" } of Object.values(services)) expect(image).not.toEndWith(":latest");
    expect(Object.keys(service("weir").depends_on ?? {}).every((name) => name in services)).toBe(true);
  });

  test("has Weir run on a configuration that Weir takes, with every variable set and the grace that its streams need", async () => {
    const { environment = {} } = service("weir");
    const set = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, value.replace(/^\$\{\w+:-(.*)\}$/, "$1")]));
    const file = join(DEPLOY, String(environment.WEIR_CONFIG).replace("/etc/weir", mounts("weir").get("/etc/weir") ?? ""));
    const { exitCode, text } = await runCheck({ file, environment: { ...set, WEIR_ADMIN_TOKEN: "a-long-random-word-0123456789" } });
    expect({ exitCode, text }).toMatchObject({ exitCode: 0 });
    const { server, admin, redis } = parse(readFileSync(file, "utf8"));
    expect([server.drain_grace, server.drain_timeout, service("weir").stop_grace_period]).toEqual(["5s", "2m", "130s"]);
    expect(service("weir").ports).toEqual([`8080:${server.port}`, `127.0.0.1:9090:${admin.port}`]);
    expect([admin.host, redis.url]).toEqual(["0.0.0.0", `\${${"REDIS_URL"}}`]);
    // A root that cannot be written, but for the folder of keys and /tmp.
    expect(service("weir")).toMatchObject({ read_only: true, tmpfs: ["/tmp"], cap_drop: ["ALL"] });
    expect(mounts("weir").has("/data")).toBe(true);
  });

  test("has Prometheus scrape Weir under the name that the rules go by, and Grafana ask that Prometheus", () => {
    const prometheus = parse(read("prometheus/prometheus.yaml"));
    expect(prometheus.scrape_configs).toEqual([{ job_name: "weir", static_configs: [{ targets: ["weir:9090"] }] }]);
    for (const file of prometheus.rule_files) expect(existsSync(join(DEPLOY, "prometheus", file))).toBe(true);
    const { datasources } = parse(read("grafana/provisioning/datasources/prometheus.yaml"));
    expect(datasources[0]).toMatchObject({ type: "prometheus", uid: "prometheus", url: "$PROMETHEUS_URL" });
    expect(service("grafana").environment?.PROMETHEUS_URL).toBe("http://prometheus:9090");
    const { providers } = parse(read("grafana/provisioning/dashboards/weir.yaml"));
    expect(mounts("grafana").get(providers[0].options.path)).toBe("./grafana");
    expect(mounts("grafana").get("/etc/grafana/provisioning")).toBe("./grafana/provisioning");
  });
});
