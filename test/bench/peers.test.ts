/** Other gateways in the benchmark: what they are given, and what becomes of one that cannot be had. None of it needs the network. */
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Absent } from "../../bench/absent.ts";
import { bifrost } from "../../bench/peers/bifrost.ts";
import { peers } from "../../bench/peers/index.ts";
import { installed, oneLine } from "../../bench/peers/install.ts";
import { litellm } from "../../bench/peers/litellm.ts";
import type { Peer } from "../../bench/peers/peer.ts";
import { portkey } from "../../bench/peers/portkey.ts";
import { variantOf } from "../../bench/peers/start.ts";
import { PEER_VERSIONS } from "../../bench/peers/versions.ts";
import type { Variant, World } from "../../bench/variant.ts";

const folder = mkdtempSync(join(tmpdir(), "weir-peers-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const fresh = (): string => mkdtempSync(join(folder, "case-"));

const UPSTREAM = "http://127.0.0.1:4711";
const world = (change: Partial<World> = {}): World => ({
  folder: fresh(),
  upstreamUrl: UPSTREAM,
  certificate: undefined,
  limiter: "off",
  redisUrl: undefined,
  ...change,
});
const certificate = join(folder, "certificate.pem");
writeFileSync(certificate, "a certificate");

const prepared = (peer: Peer, around = world()) => {
  const place = { installed: "/installed", folder: fresh(), port: 4712, processors: 2 };
  return { place, start: peer.prepare(place, around) };
};
const json = (file: string): unknown => JSON.parse(readFileSync(file, "utf8"));

describe("each peer is pointed at the stand-in, with a key, and without what costs time:", () => {
  test("Portkey by headers", () => {
    const { start } = prepared(portkey);
    expect(start.words).toContain("--headless");
    expect(start.environment).toEqual({ NODE_ENV: "production" });
    expect(portkey.address(world()).headers).toMatchObject({
      "x-portkey-provider": "openai",
      "x-portkey-custom-host": `${UPSTREAM}/openai/v1`,
    });
    expect(prepared(portkey, world({ certificate })).start.environment).toMatchObject({ NODE_EXTRA_CA_CERTS: certificate });
  });

  test("LiteLLM by a file", () => {
    const { place, start } = prepared(litellm);
    const written = json(join(place.folder, "config.yaml"));
    expect(written).toMatchObject({ litellm_settings: { callbacks: [], cache: false }, router_settings: { num_retries: 0 } });
    const { model_list, general_settings } = written as {
      model_list: { model_name: string; litellm_params: { api_base: string } }[];
      general_settings: { master_key: string };
    };
    expect(model_list.map(({ model_name }) => model_name)).toContain("gpt-4o-paced");
    for (const { litellm_params } of model_list) expect(litellm_params.api_base).toBe(`${UPSTREAM}/openai/v1`);
    expect(litellm.address(world()).headers).toEqual({ authorization: `Bearer ${general_settings.master_key}` });
    expect(start.words.slice(-2)).toEqual(["--num_workers", "2"]);
    expect(start.environment).toMatchObject({ LITELLM_LOG: "ERROR", LITELLM_MODE: "PRODUCTION" });
    expect(prepared(litellm, world({ certificate })).start.environment).toMatchObject({ SSL_CERT_FILE: certificate });
  });

  test("Bifrost by a file", () => {
    const { place } = prepared(bifrost, world({ certificate }));
    const written = json(join(place.folder, "config.json"));
    expect(written).toMatchObject({
      client: { enable_logging: false, enforce_auth_on_inference: true },
      providers: { openai: { network_config: { base_url: `${UPSTREAM}/openai`, max_retries: 0, ca_cert_pem: "a certificate" } } },
      config_store: { enabled: false },
    });
    const { governance } = written as { governance: { virtual_keys: { value: string }[] } };
    expect(bifrost.address(world()).headers).toEqual({ authorization: `Bearer ${governance.virtual_keys[0]?.value}` });
  });

  test("each at the version that stands in one place", () => {
    for (const peer of [portkey, litellm, bifrost]) {
      const into = fresh();
      const words = peer.install(into).flatMap((command) => command.words);
      const file = join(into, "package.json");
      const manifest = existsSync(file) ? readFileSync(file, "utf8") : "";
      expect(`${words.join(" ")} ${manifest}`).toContain(PEER_VERSIONS[peer.name]);
    }
  });
});

const silent = (): void => {};

/** A peer that is a script of ours. */
const made = (change: Partial<Peer>): Peer => ({ ...portkey, ...change });

describe("a peer that cannot be had is told with the reason:", () => {
  test("one that cannot be had is no failure of the run", async () => {
    const path = process.env.PATH;
    const heard: string[] = [];
    try {
      process.env.PATH = "/no/programs";
      const found = await peers(["bifrost"], fresh(), UPSTREAM, (what) => heard.push(what));
      expect(found).toEqual({ variants: [], versions: {}, notRun: [{ what: "bifrost", why: "go is not installed" }] });
    } finally {
      process.env.PATH = path;
    }
    expect(heard).toEqual([
      `installing bifrost ${PEER_VERSIONS.bifrost}, once, in at most 10 minutes`,
      "bifrost is not run: go is not installed",
    ]);
  });

  test("its client is not installed", async () => {
    const peer = made({ install: () => [{ words: ["no-such-client", "install"] }] });
    await expect(installed({ ...peer, version: PEER_VERSIONS.portkey }, fresh(), silent)).rejects.toThrow(
      "no-such-client is not installed",
    );
  });

  test("its client is refused, which says why and leaves nothing", async () => {
    const cache = fresh();
    const words = ["sh", "-c", `echo some progress; echo "error: 403 Forbidden: ${cache}/x" >&2; exit 7`];
    const peer = made({ install: () => [{ words }] });
    await expect(installed({ ...peer, version: PEER_VERSIONS.portkey }, cache, silent)).rejects.toThrow(
      "sh ended with 7: error: 403 Forbidden: …/x",
    );
    expect(existsSync(join(cache, `portkey-${PEER_VERSIONS.portkey}`))).toBe(false);
  });

  test("it ends while it starts, and what it said is told", async () => {
    const peer = made({ prepare: () => ({ words: ["sh", "-c", "echo no such setting; exit 3"], readyPath: "/" }) });
    await expect(variantOf(peer, folder).start(world())).rejects.toThrow("ended while it started: no such setting");
  });
});

describe("a peer that is there", () => {
  test("is installed once, and anew where that was broken off", async () => {
    const cache = fresh();
    const peer = made({
      install: (into) => [
        { words: ["sh", "-c", `echo x >> "$COUNT"; touch "${into}/program"`], environment: { COUNT: join(cache, "count") } },
      ],
    });
    const half = join(cache, `portkey-${PEER_VERSIONS.portkey}`);
    mkdirSync(half);
    writeFileSync(join(half, "rest"), "");
    expect(await installed({ ...peer, version: PEER_VERSIONS.portkey }, cache, silent)).toBe(half);
    expect(existsSync(join(half, "rest"))).toBe(false);
    expect(await installed({ ...peer, version: PEER_VERSIONS.portkey }, cache, silent)).toBe(half);
    expect(readFileSync(join(cache, "count"), "utf8")).toBe("x\n");
  });

  test("runs from when it is ready until it is stopped, and is asked in its dialects only", async () => {
    const script = join(fresh(), "peer.ts");
    writeFileSync(script, 'Bun.serve({ hostname: "127.0.0.1", port: Number(process.argv[2]), fetch: () => new Response("ready") });');
    chmodSync(script, 0o755);
    const peer = made({ prepare: ({ port }) => ({ words: [process.execPath, script, `${port}`], readyPath: "/" }) });
    const running = await variantOf(peer, folder).start(world());
    expect(await (await fetch(running.url)).text()).toBe("ready");
    expect(running.pids()).toHaveLength(1);
    const question = { model: "m", atOnce: "m", stream: false };
    expect(running.address({ ...question, dialect: "openai" })?.path).toBe("/v1/chat/completions");
    expect(running.address({ ...question, dialect: "anthropic" })).toBeUndefined();
    await running.stop();
    await expect(fetch(running.url)).rejects.toThrow();
  });
});

describe("a peer that fails in a scenario", () => {
  const variant = (name: string): Variant => ({ name, start: () => Promise.reject(new Error("not started here")) });
  const [weir, peer] = [variant("weir"), variant("portkey")];
  const names = (present: readonly Variant[]) => present.map(({ name }) => name).join(" ");

  test("is left out of it from then on, and the others are measured without it", async () => {
    const absent = new Absent(["portkey"]);
    const measure = async (present: readonly Variant[]) => {
      if (present.includes(peer)) throw new Error("a wrong answer");
      return names(present);
    };
    expect(await absent.without("a", 0, [weir, peer], measure)).toBe("weir");
    expect(await absent.without("b", 0, [peer], measure)).toBe("absent");
    expect(await absent.without("b", 1, [peer], measure)).toBe("absent");
    expect(await absent.without("c", 0, [peer], async (present) => names(present))).toBe("portkey");
    expect(absent.notRun).toEqual([
      { what: "a, portkey", why: "round 1: a wrong answer" },
      { what: "b, portkey", why: "round 1: a wrong answer" },
    ]);
  });

  test("excuses nobody else", async () => {
    const absent = new Absent(["portkey"]);
    const failing = () => Promise.reject(new Error("a wrong answer of Weir"));
    await expect(absent.without("a", 0, [weir], failing)).rejects.toThrow("a wrong answer of Weir");
    await expect(absent.without("a", 0, [weir, peer], failing)).rejects.toThrow("a wrong answer of Weir");
  });
});

test("a reason is one line, without this machine's folders and addresses", () => {
  expect(oneLine(`npm failed\n  in /some/cache/portkey and ${process.env.HOME}/x`, "/some/cache")).toBe("npm failed in …/portkey and ~/x");
  expect(oneLine("go: reading https://mirror.example:8443/sumdb/x@v1.6.0: 404 Not Found", "/some/cache")).toBe(
    "go: reading …: 404 Not Found",
  );
});
