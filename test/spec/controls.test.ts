/** A cloud's own controls: guardrails, tiers and tags, from the configuration and from clients that may set them. A stand-in obeys and refuses as the cloud does. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import { BLOCKED } from "../../src/sandbox/bedrock/controls.ts";
import type { CallRecord } from "../../src/sandbox/calls.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { bedrockIn } from "../support/upstreams.ts";
import { eventually } from "../support/waits.ts";
import { keyEntry, startWeir, type Weir } from "../support/weir.ts";

const SONNET = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0";
const KEYS = {
  plain: "weir_controls_plain_Wq8nXk3rTz6vBy",
  free: "weir_controls_free_Wq8nXk3rTz6vBy",
  strict: "weir_controls_strict_Wq8nXk3rTz6vBy",
};
type WorkspaceName = keyof typeof KEYS;
const OPERATORS = { id: "operators1", version: "3" };

function configuration(sandbox: Sandbox): Record<string, unknown> {
  const at = bedrockIn("eu", sandbox);
  const targets = [{ upstream: "plain", model: SONNET }];
  return {
    workers: 1,
    limits: { rpm: 1_000_000, tpm: 1_000_000_000 },
    upstreams: {
      plain: at,
      set: { ...at, controls: { service_tier: "flex", request_metadata: { workspace: "{workspace}", key: "{key}", of: "upstream" } } },
    },
    models: {
      none: { targets },
      guarded: { controls: { guardrail: { ...OPERATORS, trace: "enabled" } }, targets },
      tagged: { targets: [{ upstream: "set", model: SONNET }] },
      narrowed: {
        controls: { service_tier: "priority" },
        targets: [{ upstream: "set", model: SONNET, controls: { latency: "optimized" } }],
      },
      missing: { controls: { guardrail: { id: "missing", version: "1" } }, targets },
    },
    workspaces: {
      plain: { default_region: "eu", keys: [keyEntry("ci", KEYS.plain)] },
      free: { default_region: "eu", client_controls: true, keys: [keyEntry("ci", KEYS.free)] },
      strict: {
        default_region: "eu",
        controls: { guardrail: { id: "workspaces", version: "DRAFT" }, service_tier: "reserved" },
        models: { guarded: { controls: { guardrail: "off" } }, none: {} },
        keys: [keyEntry("ci", KEYS.strict)],
      },
    },
  };
}

for (const runtime of ["bun", "deno"] as const) {
  describe(`controls, on ${runtime}`, () => {
    let sandbox: Sandbox;
    let weir: Weir;
    beforeAll(async () => {
      sandbox = await startSandbox();
      weir = await startWeir({ runtime, config: configuration(sandbox) });
    }, 20_000);
    afterAll(async () => {
      await weir?.collect();
      weir?.child.kill("SIGKILL");
      await sandbox?.close();
    });

    let asked = 0;
    async function ask(model: string, workspace: WorkspaceName, headers: Record<string, string> = {}, more: object = {}, words = "Hello") {
      asked += 1;
      const mark = `mark-${asked}-`;
      const answer = await fetch(`${weir.url}/anthropic/eu/v1/messages`, {
        method: "POST",
        headers: { authorization: `Bearer ${KEYS[workspace]}`, "content-type": "application/json", ...headers },
        body: JSON.stringify({ model, max_tokens: 100, messages: [{ role: "user", content: `${words} ${mark}` }], ...more }),
      });
      const text = await answer.text();
      const call = sandbox.calls.recent.find(({ body }) => JSON.stringify(body)?.includes(mark));
      return { status: answer.status, headers: answer.headers, text, call };
    }

    test("nothing is set where neither the configuration nor the client sets anything", async () => {
      const { status, call, headers } = await ask("none", "plain");
      expect([status, controlsOf(call)]).toEqual([200, {}]);
      expect(headers.get("x-weir-guardrail")).toBe(null);
    });

    test("what an upstream sets reaches the cloud, signed, with the names of workspace and key", async () => {
      const { status, call } = await ask("tagged", "plain");
      expect(status).toBe(200);
      expect(controlsOf(call)).toEqual({
        "service-tier": "flex",
        "request-metadata": JSON.stringify({ workspace: "plain", key: "ci", of: "upstream" }),
      });
      const signed = /SignedHeaders=([^,]+)/.exec(call?.headers.authorization ?? "")?.[1]?.split(";");
      expect(signed).toContain("x-amzn-bedrock-service-tier");
      expect(signed).toContain("x-amzn-bedrock-request-metadata");
      expect((await ask("tagged", "free")).call?.headers["x-amzn-bedrock-request-metadata"]).toContain('"workspace":"free"');
    });

    test("the more specific place decides: target, model, upstream; a workspace before all that is shared", async () => {
      expect(controlsOf((await ask("narrowed", "plain")).call)).toMatchObject({ "service-tier": "priority", latency: "optimized" });
      expect(controlsOf((await ask("none", "strict")).call)).toEqual({
        guardrailidentifier: "workspaces",
        guardrailversion: "DRAFT",
        "service-tier": "reserved",
      });
      expect(controlsOf((await ask("narrowed", "strict")).call)).toMatchObject({
        guardrailidentifier: "workspaces",
        "service-tier": "reserved",
        latency: "optimized",
      });
      // The workspace's own setting for this model is `off`.
      expect(controlsOf((await ask("guarded", "strict")).call)).toEqual({ "service-tier": "reserved" });
    });

    test("a guardrail that has nothing to say changes nothing of the answer", async () => {
      for (const stream of [false, true]) {
        const { status, call, text, headers } = await ask("guarded", "plain", {}, { stream });
        expect([status, controlsOf(call)]).toEqual([
          200,
          { guardrailidentifier: OPERATORS.id, guardrailversion: OPERATORS.version, trace: "ENABLED" },
        ]);
        expect(text).not.toContain("amazon-bedrock");
        expect(text).toContain('"end_turn"');
        expect(headers.get("x-weir-guardrail")).toBe(null);
      }
    });

    test("an intervention is no normal end, and is seen in the header, the metric and the log; its trace is the operator's", async () => {
      const before = await interventions();
      for (const stream of [false, true]) {
        const { status, text, headers } = await ask("guarded", "plain", {}, { stream }, "[sandbox: blocked]");
        expect([status, headers.get("x-weir-guardrail")]).toEqual([200, "intervened"]);
        expect(text).toContain(BLOCKED);
        expect(text).toMatch(/"stop_reason":\s*"refusal"/);
        expect(text).not.toContain("end_turn");
        expect(text).not.toContain("amazon-bedrock");
        expect(text).not.toContain("weather");
        if (stream) expect(text.trimEnd()).toEndWith('data: {"type":"message_stop"}');
      }
      expect(await interventions()).toBe(before + 2);
      await eventually(() => weir.log().filter(({ guardrail }) => guardrail === "intervened").length >= 2, "two lines that say so");
      // The same question without the guardrail is answered: it was the guardrail that spoke.
      expect((await ask("none", "plain", {}, {}, "[sandbox: blocked]")).text).not.toContain(BLOCKED);
    });

    test("Anthropic's own client reads a blocked stream as a refusal", async () => {
      const client = new Anthropic({ baseURL: `${weir.url}/anthropic/eu`, apiKey: KEYS.plain, maxRetries: 0 });
      const messages = [{ role: "user" as const, content: "[sandbox: blocked] Hello" }];
      const { stop_reason, content } = await client.messages.stream({ model: "guarded", max_tokens: 100, messages }).finalMessage();
      expect(stop_reason).toBe("refusal");
      expect(content).toMatchObject([{ type: "text", text: BLOCKED }]);
    });

    test("a client of a workspace that may not is refused by the header's name, whichever it is", async () => {
      for (const name of [
        "GuardrailIdentifier",
        "GuardrailVersion",
        "Trace",
        "Service-Tier",
        "PerformanceConfig-Latency",
        "Request-Metadata",
      ]) {
        const { status, text, call } = await ask("none", "plain", { [`X-Amzn-Bedrock-${name}`]: "1" });
        expect([status, call]).toEqual([400, undefined]);
        expect(text).toContain(`x-amzn-bedrock-${name.toLowerCase()}`);
        expect(text).toContain("client_controls");
      }
    });

    test("a client that may sets its own, which go before the operator's; the operator's tags stay", async () => {
      const guardrail = { "X-Amzn-Bedrock-GuardrailIdentifier": "clients1", "X-Amzn-Bedrock-GuardrailVersion": "7" };
      const tags = JSON.stringify({ team: "search", workspace: "somebody else" });
      const more = { "X-Amzn-Bedrock-Service-Tier": "priority", "X-Amzn-Bedrock-Request-Metadata": tags };
      const { status, call } = await ask("tagged", "free", { ...guardrail, ...more });
      expect(status).toBe(200);
      expect(controlsOf(call)).toMatchObject({ guardrailidentifier: "clients1", guardrailversion: "7", "service-tier": "priority" });
      expect(JSON.parse(call?.headers["x-amzn-bedrock-request-metadata"] ?? "")).toEqual({
        team: "search",
        workspace: "free",
        key: "ci",
        of: "upstream",
      });
      const traced = { ...guardrail, "X-Amzn-Bedrock-Trace": "ENABLED" };
      const blocked = await ask("none", "free", traced, {}, "[sandbox: blocked]");
      expect([blocked.status, blocked.headers.get("x-weir-guardrail")]).toEqual([200, "intervened"]);
      // The client that set the guardrail may know what it has found.
      expect(blocked.text).toContain("weather");
    });

    test("no client replaces or narrows the operator's guardrail", async () => {
      const other = { "X-Amzn-Bedrock-GuardrailIdentifier": "clients1", "X-Amzn-Bedrock-GuardrailVersion": "7" };
      expect(await ask("guarded", "free", other)).toMatchObject({ status: 400, call: undefined });
      const parts = await ask("guarded", "free", {}, { "amazon-bedrock-guardrailConfig": { tagSuffix: "x" } });
      expect(parts).toMatchObject({ status: 400, call: undefined });
      expect(parts.text).toContain("amazon-bedrock-guardrailConfig");
    });

    test.each([
      ["a tier that there is not", { "x-amzn-bedrock-service-tier": "gold" }],
      ["a guardrail without its version", { "x-amzn-bedrock-guardrailidentifier": "clients1" }],
      ["a version without its guardrail", { "x-amzn-bedrock-guardrailversion": "1" }],
      ["tags that are no JSON", { "x-amzn-bedrock-request-metadata": "team=search" }],
      ["tags that are no texts", { "x-amzn-bedrock-request-metadata": '{"team":{"a":1}}' }],
      [
        "too many tags",
        { "x-amzn-bedrock-request-metadata": JSON.stringify(Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`t${at}`, ""]))) },
      ],
    ])("%s is a 400 before the cloud is asked", async (_name, headers) => {
      const { status, text, call } = await ask("none", "free", headers);
      expect([status, call]).toEqual([400, undefined]);
      expect(text).toContain("x-amzn-bedrock-");
    });

    test("large bodies, which a worker checks, are controlled like small ones", async () => {
      const padding = "x".repeat(100_000);
      expect(controlsOf((await ask("tagged", "plain", {}, { system: padding })).call)).toMatchObject({ "service-tier": "flex" });
      const refused = await ask("none", "plain", { "X-Amzn-Bedrock-Trace": "ENABLED" }, { system: padding });
      expect([refused.status, refused.call]).toEqual([400, undefined]);
      const blocked = await ask("guarded", "plain", {}, { system: padding }, "[sandbox: blocked]");
      expect(blocked.headers.get("x-weir-guardrail")).toBe("intervened");
    });

    test("a guardrail that the cloud does not have fails the call: no answer comes without it", async () => {
      expect((await ask("missing", "plain")).status).toBeGreaterThanOrEqual(400);
    });

    async function interventions(): Promise<number> {
      const page = await (await fetch(`${weir.adminUrl}/metrics`)).text();
      return Number(
        /^weir_guardrail_interventions_total\{model="guarded",upstream="plain"\} (\d+)$/m.exec(labelled(page))?.[1] ?? Number.NaN,
      );
    }
  });
}

/** The labels of the one metric in one order. */
function labelled(page: string): string {
  return page.replace(/\{upstream="([^"]*)",model="([^"]*)"\}/g, '{model="$2",upstream="$1"}');
}

/** The control headers of a call, by what follows `x-amzn-bedrock-`. */
function controlsOf(call: CallRecord | undefined): Record<string, string> {
  const entries = Object.entries(call?.headers ?? {}).filter(([name]) => name.startsWith("x-amzn-bedrock-") && !name.endsWith("-accept"));
  return Object.fromEntries(entries.map(([name, value]) => [name.replace(/^x-amzn-bedrock-(performanceconfig-)?/, ""), value]));
}
