/** The Helm chart, rendered by Helm, held to Kubernetes' own schemas, and its configuration to Weir's. */
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Ajv2020 from "ajv/dist/2020.js";
import { parse, parseAllDocuments } from "yaml";
import { npmFolder } from "../spec/clients/npm-folder.ts";
import { startWeir } from "../support/weir.ts";
import { DEPLOY } from "./prometheus.ts";
import { helm, kubernetesSchemas } from "./tools.ts";

setDefaultTimeout(180_000);

const CHART = join(DEPLOY, "helm/weir");
const TOKEN = "chart-admin-token-8d3e01bb52";

// biome-ignore lint/suspicious/noExplicitAny: what Helm renders is looked at field by field; Kubernetes' schemas say what it is.
type Resource = any;

/** The form in which a configuration names a variable of the environment. */
const variable = (name: string) => `\${${name}}`;

const MINIMAL = {
  admin: { tokenSecret: { name: "weir-admin", key: "token" } },
  redis: { urlSecret: { name: "weir-redis", key: "url" } },
};
const WHOLE = {
  ...MINIMAL,
  image: { repository: "registry.example/weir", digest: `sha256:${"ab".repeat(32)}` },
  imagePullSecrets: [{ name: "registry" }],
  config: {
    server: { max_body: "8MiB" },
    redis: { on_failure: "closed" },
    upstreams: {
      "azure-eu": {
        provider: "azure",
        region: "eu",
        endpoint: "https://acme.openai.azure.com",
        credentials: { api_key: variable("AZURE_EU_KEY") },
      },
    },
    models: { gpt: { family: "o200k", targets: [{ upstream: "azure-eu", model: "gpt-prod" }] } },
    workspaces: { acme: { default_region: "eu" } },
  },
  env: { WEIR_LOG_LEVEL: "info" },
  secretEnv: { AZURE_EU_KEY: { name: "weir-clouds", key: "azure-eu" } },
  secretFiles: ["weir-files"],
  ingress: {
    enabled: true,
    className: "nginx",
    annotations: { "nginx.ingress.kubernetes.io/proxy-buffering": "off" },
    hosts: [{ host: "llm.example.com", paths: [{ path: "/", pathType: "Prefix" }] }],
    tls: [{ secretName: "llm-tls", hosts: ["llm.example.com"] }],
  },
  autoscaling: { enabled: true },
  networkPolicy: {
    clients: [{ podSelector: { matchLabels: { app: "client" } } }],
    redis: { port: 6380, to: [{ ipBlock: { cidr: "10.0.0.0/16" } }] },
    extraEgress: [{ ports: [{ protocol: "TCP", port: 3128 }] }],
  },
  serviceMonitor: { enabled: true, labels: { release: "prometheus" } },
  rules: { enabled: true, runbookUrl: "https://wiki.example/weir/runbook" },
  dashboards: { enabled: true },
  podAnnotations: { note: "yes" },
  podLabels: { "azure.workload.identity/use": "true" },
  serviceAccount: { annotations: { "eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/weir" } },
  nodeSelector: { "kubernetes.io/arch": "amd64" },
  tolerations: [{ key: "llm", operator: "Exists" }],
  affinity: { podAntiAffinity: {} },
  priorityClassName: "high",
  command: ["deno", "run", "-A", "/weir/src/main.ts"],
};

const program = helm();
const schemas = kubernetesSchemas();
/** Resources of the Prometheus operator, which Kubernetes itself does not know. */
const operator = npmFolder(["@kubernetes-models/prometheus-operator@6.0.0"]);
const missing = program.missing ?? schemas.missing ?? operator.missing;
if (missing !== undefined) console.warn(`The chart is not rendered: ${missing}`);

/** Runs Helm with these values. */
function run(command: "template" | "lint", values: object): { status: number | null; stdout: string; stderr: string } {
  const folder = mkdtempSync(join(tmpdir(), "weir-chart-"));
  writeFileSync(join(folder, "values.json"), JSON.stringify(values));
  const place = command === "lint" ? [CHART] : ["edge", CHART, "--namespace", "llm", "--kube-version", "1.37.0"];
  const { status, stdout, stderr } = spawnSync(program.path ?? "", [command, ...place, "--values", join(folder, "values.json")], {
    encoding: "utf8",
    // Its caches and settings are of no interest.
    env: { ...process.env, HELM_CACHE_HOME: folder, HELM_CONFIG_HOME: folder, HELM_DATA_HOME: folder },
  });
  rmSync(folder, { recursive: true, force: true });
  return { status, stdout, stderr };
}

function render(values: object): Resource[] {
  const { status, stdout, stderr } = run("template", values);
  if (status !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout).map((document) => document.toJS());
}

const of = (resources: Resource[], kind: string, ending = ""): Resource => {
  const found = resources.find((one) => one.kind === kind && one.metadata.name.endsWith(ending));
  if (found === undefined) throw new Error(`no ${kind} …${ending}`);
  return found;
};

/** In CI nothing is left out: a tool that cannot be had is a failure there. */
describe.skipIf(missing !== undefined && !process.env.CI)("the chart", () => {
  let whole: Resource[] = [];
  let minimal: Resource[] = [];
  beforeAll(() => {
    expect(missing).toBeUndefined();
    whole = render(WHOLE);
    minimal = render(MINIMAL);
  });

  test("passes the checks of Helm", () => {
    for (const values of [WHOLE, MINIMAL])
      expect(run("lint", values)).toMatchObject({ status: 0, stdout: expect.not.stringMatching(/\[(WARNING|ERROR)\]/) });
  });

  test("makes resources that fit Kubernetes' schemas, without an unknown field", async () => {
    // Kubernetes' schemas name formats (int32, quantity …) that the validator does not know; the types say as much.
    const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
    ajv.addSchema(schemaFile("_definitions.json"));
    const { validateServiceMonitor, validatePrometheusRule } = await operatorSchemas();
    const kinds = new Set<string>();
    for (const resource of [
      ...whole,
      ...minimal,
      ...render({ ...MINIMAL, podDisruptionBudget: { maxUnavailable: "25%" }, existingConfigMap: "own" }),
    ]) {
      const { apiVersion, kind, metadata } = resource;
      kinds.add(kind);
      let errors: unknown;
      if (kind === "ServiceMonitor") errors = validateServiceMonitor(resource) ? [] : validateServiceMonitor.errors;
      else if (kind === "PrometheusRule") errors = validatePrometheusRule(resource) ? [] : validatePrometheusRule.errors;
      else errors = mistakes(ajv, apiVersion, resource);
      expect([kind, metadata.name, errors]).toEqual([kind, metadata.name, []]);
    }
    expect([...kinds].sort()).toEqual([
      "ConfigMap",
      "Deployment",
      "HorizontalPodAutoscaler",
      "Ingress",
      "NetworkPolicy",
      "PodDisruptionBudget",
      "PrometheusRule",
      "Service",
      "ServiceAccount",
      "ServiceMonitor",
    ]);
    // The check can fail: a field that is not there, and one of another type.
    for (const spoiled of [{ replica: 2 }, { replicas: "two" }]) {
      const deployment = of(minimal, "Deployment");
      expect(mistakes(ajv, "apps/v1", { ...deployment, spec: { ...deployment.spec, ...spoiled } })).not.toEqual([]);
    }
  });

  test("gives a pod as long to leave as its streams may take, and takes it out of the Service first", () => {
    const pod = of(minimal, "Deployment").spec.template.spec;
    const { server } = parse(of(minimal, "ConfigMap").data["weir.yaml"]);
    expect(pod.terminationGracePeriodSeconds).toBe(5 + 5 + 600 + 5);
    expect(pod.containers[0].lifecycle.preStop).toEqual({ sleep: { seconds: 5 } });
    expect(server).toMatchObject({ drain_grace: "5s", drain_timeout: "600s" });
    const quick = render({ ...MINIMAL, drain: { preStopSeconds: 0, graceSeconds: 2, timeoutSeconds: 30 } });
    expect(of(quick, "Deployment").spec.template.spec).toMatchObject({ terminationGracePeriodSeconds: 37 });
    expect(of(quick, "Deployment").spec.template.spec.containers[0].lifecycle).toBeUndefined();
    expect(of(minimal, "Deployment").spec.strategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 });
  });

  test("runs without rights, on a root that cannot be written", () => {
    for (const resources of [minimal, whole]) {
      const pod = of(resources, "Deployment").spec.template.spec;
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } },
      });
      expect(pod.containers[0].securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      const writable = pod.containers[0].volumeMounts.filter(({ readOnly }: { readOnly?: boolean }) => !readOnly);
      expect(writable.map(({ mountPath }: { mountPath: string }) => mountPath)).toEqual(["/data", "/tmp"]);
    }
  });

  test("has secrets by reference only", () => {
    const variables = of(whole, "Deployment").spec.template.spec.containers[0].env;
    const from = Object.fromEntries(
      variables.flatMap(({ name, valueFrom }: Resource) => (valueFrom === undefined ? [] : [[name, valueFrom.secretKeyRef]])),
    );
    expect(from).toEqual({
      WEIR_ADMIN_TOKEN: { name: "weir-admin", key: "token" },
      REDIS_URL: { name: "weir-redis", key: "url" },
      AZURE_EU_KEY: { name: "weir-clouds", key: "azure-eu" },
    });
    expect(whole.filter(({ kind }) => kind === "Secret")).toEqual([]);
    const mounted = of(whole, "Deployment").spec.template.spec.containers[0].volumeMounts.map(({ mountPath }: Resource) => mountPath);
    expect(mounted).toContain("/etc/weir-secrets/weir-files");
  });

  test("scales by calls in flight, slowly down, and does not set the replicas then", () => {
    expect(of(whole, "Deployment").spec.replicas).toBeUndefined();
    expect(of(minimal, "Deployment").spec.replicas).toBe(2);
    const { metrics, behavior } = of(whole, "HorizontalPodAutoscaler").spec;
    expect(metrics[0].pods).toEqual({ metric: { name: "weir_requests_in_flight" }, target: { type: "AverageValue", averageValue: "200" } });
    expect(behavior.scaleDown).toEqual({ stabilizationWindowSeconds: 600, policies: [{ type: "Pods", value: 1, periodSeconds: 60 }] });
  });

  test("lets clients to the public port alone, Prometheus to the admin port, and pods to what they need", () => {
    const { ingress, egress } = of(whole, "NetworkPolicy").spec;
    expect(ingress.map(({ ports, from }: Resource) => [ports[0].port, from])).toEqual([
      ["http", WHOLE.networkPolicy.clients],
      ["admin", [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }]],
    ]);
    expect(egress.flatMap(({ ports }: Resource) => ports.map(({ port }: Resource) => port))).toEqual([53, 53, 443, 6380, 3128]);
    // No Service shows both ports.
    for (const service of whole.filter(({ kind }) => kind === "Service")) expect(service.spec.ports).toHaveLength(1);
  });

  test("brings the rules and dashboards that are beside it, whole, and the job name that they go by", () => {
    for (const name of ["recording", "alerts"]) {
      const file = readFileSync(join(DEPLOY, `prometheus/weir-${name}.yaml`), "utf8").replaceAll("docs/runbook.md", WHOLE.rules.runbookUrl);
      expect(of(whole, "PrometheusRule", name).spec).toEqual(parse(file));
    }
    for (const name of ["overview", "limits", "upstreams", "runtime"]) {
      const { data, metadata } = of(whole, "ConfigMap", `${name}-dashboard`);
      expect(JSON.parse(data[`weir-${name}.json`])).toEqual(JSON.parse(readFileSync(join(DEPLOY, `grafana/weir-${name}.json`), "utf8")));
      expect(metadata.labels.grafana_dashboard).toBe("1");
    }
    const monitor = of(whole, "ServiceMonitor").spec;
    expect(monitor.endpoints[0].relabelings).toEqual([{ action: "replace", targetLabel: "job", replacement: "weir" }]);
    const labels = of(whole, "Service", "admin").metadata.labels;
    expect(labels).toMatchObject(monitor.selector.matchLabels);
    expect(of(whole, "Service", "edge-weir").metadata.labels).not.toMatchObject(monitor.selector.matchLabels);
  });

  for (const [what, values, why] of [
    ["no admin token", { redis: MINIMAL.redis }, "admin.tokenSecret.name: expected"],
    ["several replicas without Redis", { admin: MINIMAL.admin }, "2 replicas without Redis"],
    ["an autoscaler without Redis", { admin: MINIMAL.admin, replicas: 1, autoscaling: { enabled: true } }, "10 replicas without Redis"],
    ["nothing to scale by", { ...MINIMAL, autoscaling: { enabled: true, callsInFlight: 0, cpuPercent: 0 } }, "nothing to scale by"],
    ["a password in an address", { ...MINIMAL, redis: { url: "redis://:hunter2-hunter2@redis:6379" } }, "redis"],
    ["a value that there is not", { ...MINIMAL, replicaCount: 3 }, "replicaCount"],
    ["a digest that is none", { ...MINIMAL, image: { digest: "latest" } }, "digest"],
  ] as const)
    test(`refuses ${what}, and says why`, () => {
      const { status, stderr } = run("template", values);
      expect(status).not.toBe(0);
      expect(stderr).toContain(why);
    });

  test("one replica may go without Redis", () => {
    const alone = render({ admin: MINIMAL.admin, replicas: 1 });
    expect(parse(of(alone, "ConfigMap").data["weir.yaml"]).redis).toBeUndefined();
  });

  test("a gateway that is started with the pod's configuration and environment answers the probes, and Prometheus at the admin port", async () => {
    const pod = of(whole, "Deployment").spec.template.spec.containers[0];
    const config = parse(of(whole, "ConfigMap").data["weir.yaml"]);
    expect(config.server).toMatchObject({ host: "0.0.0.0", port: 8080, max_body: "8MiB" });
    expect(config.redis).toEqual({ on_failure: "closed", url: variable("REDIS_URL") });
    // On this machine both ports are any free ones on loopback, and Redis is not there.
    config.server = { ...config.server, host: "127.0.0.1", port: 0, drain_grace: "0s" };
    config.redis = { ...config.redis, on_failure: "local" };
    const secrets = { WEIR_ADMIN_TOKEN: TOKEN, REDIS_URL: "redis://127.0.0.1:1", AZURE_EU_KEY: "azure-key-of-the-chart" };
    const weir = await startWeir({ config: { ...config, admin: { ...config.admin, host: "127.0.0.1", port: 0 } }, environment: secrets });
    try {
      const ports: Record<string, string> = { http: weir.url, admin: weir.adminUrl };
      for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
        const { path, port } = pod[probe].httpGet;
        expect([probe, (await fetch(`${ports[port]}${path}`)).status]).toEqual([probe, 200]);
      }
      const { path, port } = of(whole, "ServiceMonitor").spec.endpoints[0];
      expect(await (await fetch(`${ports[port]}${path}`)).text()).toContain("weir_build_info{");
    } finally {
      await weir.collect();
      await weir.stop("SIGKILL");
    }
  });
});

/** What is wrong with a resource by Kubernetes' schemas. */
function mistakes(ajv: Ajv2020, apiVersion: string, resource: Resource): unknown[] {
  const [version = "", group] = apiVersion.split("/").toReversed();
  const parts = [resource.kind.toLowerCase(), ...(group === undefined ? [] : [group.split(".")[0]]), version];
  const schema = schemaFile(`${parts.join("-")}.json`);
  const check = ajv.getSchema(schema.$id) ?? ajv.compile(schema);
  return check(resource) ? [] : (check.errors ?? ["not said"]);
}

function schemaFile(name: string): { $id: string } {
  return JSON.parse(readFileSync(join(schemas.path ?? "", name), "utf8"));
}

interface Validator {
  (value: unknown): boolean;
  errors?: unknown[];
}

async function operatorSchemas(): Promise<{ validateServiceMonitor: Validator; validatePrometheusRule: Validator }> {
  const place = join(operator.folder ?? "", "node_modules/@kubernetes-models/prometheus-operator/_schemas");
  const load = async (kind: string): Promise<Validator> =>
    (await import(join(place, `ComGithubPrometheusOperatorPrometheusOperatorPkgApisMonitoringV1${kind}.js`))).validate;
  return { validateServiceMonitor: await load("ServiceMonitor"), validatePrometheusRule: await load("PrometheusRule") };
}
