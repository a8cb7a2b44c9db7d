/** A gateway that speaks TLS to its clients, as they see it: official clients, curl, openssl; and certificates that change meanwhile. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import type { Identity } from "../../../src/contract/config.ts";
import { makeIdentity } from "../../support/identities.ts";
import { eventually } from "../../support/waits.ts";
import { type RuntimeName, runToEnd, startWeir, type Weir } from "../../support/weir.ts";
import { ADMIN_TOKEN, KEY, World } from "../world.ts";

const [first, second] = [makeIdentity("first"), makeIdentity("second", { rsa: true })];
const DAY_MS = 24 * 3600 * 1000;

const world = new World("bun");
beforeAll(() => world.start(), 30_000);
afterAll(() => world.stop());

/** What a program says, on both of its outputs. */
function said(program: string, words: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const output of [child.stdout, child.stderr])
      output.on("data", (bytes: Buffer) => {
        text += bytes.toString();
      });
    child.on("close", () => resolve(text));
  });
}

class Folder {
  readonly path = mkdtempSync(join(tmpdir(), "weir-certificates-"));
  readonly settings = { tls: { cert_file: join(this.path, "cert.pem"), key_file: join(this.path, "key.pem") } };

  /** Each file is replaced as a whole, as programs that renew certificates do it. */
  put({ cert, key }: Pick<Identity, "cert" | "key">): void {
    for (const [name, content] of Object.entries({ cert, key })) {
      writeFileSync(join(this.path, `${name}.new`), content);
      renameSync(join(this.path, `${name}.new`), join(this.path, `${name}.pem`));
    }
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}

interface Secured {
  weir: Weir;
  folder: Folder;
  port: number;
  url: string;
}

async function secured(runtime: RuntimeName, more: object = {}): Promise<Secured> {
  const folder = new Folder();
  folder.put(first);
  const weir = await startWeir({
    runtime,
    config: { ...world.configuration({ ...folder.settings, head_timeout: "1s" }), workers: 1, ...more },
  });
  const { port } = new URL(weir.url);
  return { weir, folder, port: Number(port), url: `https://127.0.0.1:${port}` };
}

/** Whose certificate a new connection is shown. */
function shown(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

async function metric(weir: Weir, name: string): Promise<number | undefined> {
  const text = await (await fetch(`${weir.adminUrl}/metrics`)).text();
  const value = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(text)?.[1];
  return value === undefined ? undefined : Number(value);
}

for (const runtime of ["bun", "deno"] satisfies RuntimeName[])
  describe(`TLS to clients on ${runtime}`, () => {
    let one: Secured;
    beforeAll(async () => {
      one = await secured(runtime);
    }, 30_000);
    afterAll(async () => {
      await one.weir.stop("SIGKILL");
      one.folder.remove();
    });

    test("official clients call and stream over it, and refuse a certificate that they do not trust", async () => {
      const trusting = { fetchOptions: { tls: { ca: first.cert } } } as object;
      const openai = new OpenAI({ apiKey: KEY, baseURL: `${one.url}/openai/eu/v1`, maxRetries: 0, ...trusting });
      const anthropic = new Anthropic({ apiKey: KEY, baseURL: `${one.url}/anthropic/eu`, maxRetries: 0, ...trusting });
      const prompt = { role: "user" as const, content: "[sandbox: tokens=20 pace=0] Hello" };
      const answered = await anthropic.messages.create({ model: "claude", max_tokens: 50, messages: [prompt] });
      expect(answered.content[0]?.type).toBe("text");
      let pieces = 0;
      for await (const chunk of await openai.chat.completions.create({ model: "gpt", messages: [prompt], stream: true }))
        pieces += chunk.choices.length;
      expect(pieces).toBeGreaterThan(5);
      const strange = new OpenAI({ apiKey: KEY, baseURL: `${one.url}/openai/eu/v1`, maxRetries: 0 });
      await expect((async () => await strange.models.list())()).rejects.toThrow("Connection error");
    });

    test("curl reuses its connection, and one that speaks plain HTTP there is not served", async () => {
      const place = `https://localhost:${one.port}/healthz`;
      const trusted = join(one.folder.path, "cert.pem");
      const spoken = await said("curl", ["-sSv", "--http1.1", "--cacert", trusted, place, place]);
      expect(spoken.match(/< HTTP\/1\.1 200/g)).toHaveLength(2);
      expect(await said("curl", ["-sS", "--cacert", trusted, place.replace("healthz", "docs")])).toContain(`https://localhost:${one.port}`);
      expect(spoken).toMatch(/Re-using existing connection/i);
      const plain = await said("curl", ["-sSi", "--max-time", "5", `http://localhost:${one.port}/healthz`]);
      expect(plain).toMatch(runtime === "bun" ? /^HTTP\/1\.1 400[\s\S]*must begin with https/ : /^curl: \(\d+\)/);
    });

    test("openssl gets TLS 1.3 and 1.2 and nothing older, http/1.1 by name, and its session again", async () => {
      const asked = (...words: string[]) => said("openssl", ["s_client", "-connect", `127.0.0.1:${one.port}`, ...words]);
      const [newest, older, oldest, other] = await Promise.all([
        asked("-alpn", "h2,http/1.1"),
        asked("-tls1_2"),
        asked("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"),
        asked("-alpn", "h2"),
      ]);
      expect(newest).toMatch(/TLSv1\.3, Cipher is[\s\S]*ALPN protocol: http\/1\.1/);
      expect(older).toMatch(/TLSv1\.2, Cipher is ECDHE/);
      for (const refused of [oldest, other]) expect(refused).toMatch(/alert/);
      const resumed = await asked("-tls1_2", "-reconnect");
      expect(resumed.match(/^Reused, /gm)?.length).toBeGreaterThan(2);
    });

    test("`weir health` finds it alive", async () => {
      const asked = await runToEnd(runtime, {
        arguments: ["health"],
        folder: one.weir.folder,
        environment: { PORT: String(one.port), ADMIN_PORT: "1", WEIR_CONFIG: join(one.weir.folder, "weir.yaml") },
      });
      expect(asked).toEqual({ code: 0, stdout: "ok\n", stderr: "" });
    });

    test("a handshake that is begun and never ended is closed when a head is late", async () => {
      const began = performance.now();
      await said("bash", ["-c", `exec 3<>/dev/tcp/127.0.0.1/${one.port}; printf '\\x16\\x03\\x01\\x02\\x00\\x01' >&3; cat <&3`]);
      expect(performance.now() - began).toBeWithin(900, 5_000);
    });

    test("the metrics tell when its certificate expires, and how many clients there are", async () => {
      const expires = (await metric(one.weir, "weir_tls_certificate_expiry_timestamp_seconds")) ?? 0;
      expect((expires * 1000 - Date.now()) / DAY_MS).toBeWithin(98, 101);
      const socket: TLSSocket = connect({ port: one.port, host: "127.0.0.1", rejectUnauthorized: false });
      await eventually(async () => ((await metric(one.weir, "weir_connections")) ?? 0) > 0, "the connection to count");
      socket.destroy();
    });

    test("a new pair is shown within a second, calls that are open go on; a wrong one changes nothing and is logged, until it is mended", async () => {
      const { weir, folder, port } = one;
      const open = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
      let received = "";
      open.on("data", (bytes: Buffer) => {
        received += bytes.toString("latin1");
      });
      const body = JSON.stringify({
        model: "gpt",
        stream: true,
        messages: [{ role: "user", content: "[sandbox: tokens=40 pace=50] hello" }],
      });
      const head = `POST /openai/eu/v1/chat/completions HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer ${KEY}\r\nContent-Length: ${body.length}\r\n\r\n`;
      open.write(head + body);
      await eventually(() => received.includes("data: "), "the stream to begin");
      folder.put(second);
      await eventually(async () => (await shown(port)) === "second", "the new certificate");
      expect(received).not.toContain("[DONE]");
      expect(await metric(weir, "weir_config_stale")).toBe(0);

      folder.put({ cert: first.cert, key: second.key });
      const refused = await weir.logged(({ message }) => String(message).startsWith("the configuration is refused"));
      expect(JSON.stringify(refused.problems)).toContain("server.tls.key_file: expected the key of the first certificate");
      expect(await metric(weir, "weir_config_stale")).toBe(1);
      expect(await shown(port)).toBe("second");
      folder.put(first);
      await eventually(async () => (await shown(port)) === "first", "the mended pair");
      expect(await metric(weir, "weir_config_stale")).toBe(0);
      await eventually(() => received.includes("[DONE]"), "the end of the stream");
      open.destroy();
    }, 20_000);
  });

test("several processes share the port, and each takes up a new certificate", async () => {
  const { weir, folder, port } = await secured("bun", { processes: 2, admin: { token: ADMIN_TOKEN } });
  folder.put(second);
  const seen = async () => new Set(await Promise.all(Array.from({ length: 12 }, () => shown(port))));
  await eventually(async () => {
    const names = await seen();
    return names.size === 1 && names.has("second");
  }, "all of them to show it");
  expect(await weir.stop("SIGTERM")).toBe(0);
  folder.remove();
}, 30_000);

test("a gateway whose certificate and key do not fit does not start, and says why", async () => {
  const folder = new Folder();
  folder.put({ cert: first.cert, key: second.key });
  await expect(startWeir({ config: { ...world.configuration(folder.settings), workers: 0 } })).rejects.toThrow(
    /server\.tls\.key_file: expected the key of the first certificate/,
  );
  folder.remove();
});
