/** The exam that every provider takes, against its stand-in: everything that the rest of Weir expects of a provider, whatever the cloud. */
import { afterAll, describe, expect, test } from "bun:test";
import type { TSchema } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { NOTHING_ALONG } from "../../../../src/contract/call.ts";
import type { Upstream } from "../../../../src/contract/config.ts";
import { CALLS, type CallOperation } from "../../../../src/contract/dialect.ts";
import { GatewayError } from "../../../../src/contract/errors.ts";
import { providers } from "../../../../src/providers/index.ts";
import { startSandbox } from "../../../../src/sandbox/sandbox.ts";
import { providers as callers } from "../../../../workers/providers/index.ts";
import type { Adapter, Job, Reader } from "../../../../workers/providers/provider.ts";
import { type Question, SAMPLES } from "./exam/samples.ts";
import { headersSent } from "./upstream.ts";

const sandbox = await startSandbox();
afterAll(() => sandbox.close());

const OPERATIONS = Object.keys(CALLS) as CallOperation[];

test("both halves of every provider are in their index, and each takes this exam", () => {
  const names = [...providers.keys()].sort();
  expect(Object.keys(callers).sort()).toEqual(names);
  expect(Object.keys(SAMPLES).sort()).toEqual(names);
});

for (const [name, provider] of providers) {
  const sample = SAMPLES[name];
  const caller = callers[name];
  if (sample === undefined || caller === undefined) continue;

  const resolved = (fields: Record<string, unknown>): object =>
    provider.resolve(Value.Default(provider.schema, structuredClone(fields)) as never);
  const opened = (fields: Record<string, unknown>): Adapter => caller.open(upstreamOf(name, resolved(fields)));
  const job = (question: Question): Job => ({
    ...question,
    model: "m",
    countModel: undefined,
    accepts: provider.accepts(undefined, [], resolved(sample.upstreams(sandbox)[0] ?? {})),
    isLast: true,
    along: NOTHING_ALONG,
    dropped: "",
    owner: "acme",
    goesOn: false,
  });

  describe(name, () => {
    test("its settings are plain JSON, because they are sent to workers in that form", () => {
      for (const fields of sample.upstreams(sandbox)) {
        const settings = resolved(fields);
        expect(JSON.parse(JSON.stringify(settings))).toEqual(settings);
      }
    });

    test("every secret of its schema is hidden, and none is in its line of `check`", () => {
      const marked = secretFields(provider.schema);
      expect(marked.length).toBeGreaterThan(0);
      const seen = new Set<string>();
      for (const fields of sample.upstreams(sandbox)) {
        const settings = resolved(fields);
        for (const [field, value] of leaves(fields)) {
          if (!marked.includes(field)) continue;
          seen.add(field);
          expect(caller.secrets(settings)).toContain(value);
          expect(provider.summary(settings)).not.toContain(value);
        }
      }
      expect([...seen].sort()).toEqual([...new Set(marked)].sort());
    });

    test("the message about a mistake in its settings has no secret in it", () => {
      for (const fields of sample.upstreams(sandbox)) {
        // An address without TLS on another machine, and all ways to sign in at once: a mistake at every cloud.
        const wrong = {
          ...fields,
          endpoint: "http://10.0.0.1",
          credentials: { ...(fields.credentials as object), ...everySecret(provider.schema) },
        };
        try {
          resolved(wrong);
          throw new Error("it was not refused");
        } catch (thrown) {
          expect(String(thrown)).not.toContain("it was not refused");
          for (const [, value] of leaves(wrong)) if (value.length >= 16) expect(String(thrown)).not.toContain(value);
        }
      }
    });

    test("an operation that it does not have is refused as a mistake of the client", async () => {
      const known = new Set(sample.questions.map(({ operation }) => operation));
      const adapter = opened(sample.upstreams(sandbox)[0] ?? {});
      for (const operation of OPERATIONS.filter((each) => !known.has(each))) {
        const asked = async () => await adapter.request(job({ ...(sample.questions[0] as Question), operation }));
        const refused = await asked().catch((thrown) => thrown);
        if (refused instanceof Error) expect([operation, (refused as GatewayError).kind]).toEqual([operation, "invalid_request"]);
      }
    });

    for (const [at, fields] of sample.upstreams(sandbox).entries()) {
      for (const question of sample.questions) {
        const way = `${question.operation}, ${question.stream ? "streamed" : "whole"}, credentials ${at + 1}`;
        test(`${way}: its stand-in answers, and the answer is the same wherever its bytes are cut`, async () => {
          const adapter = opened(fields);
          const asked = job(question);
          const { status, headers, bytes } = await sent(adapter, asked);
          expect([status, new TextDecoder().decode(status === 200 ? bytes.subarray(0, 0) : bytes)]).toEqual([200, ""]);
          const read = (cut: number) => readAll(adapter.reader(asked, headers), [bytes.subarray(0, cut), bytes.subarray(cut)]);
          const whole = read(0);
          expect([whole.error, whole.complete]).toEqual([undefined, true]);
          expect(whole.text).not.toBe("");
          for (let cut = 1; cut < bytes.length; cut++) expect(read(cut)).toEqual(whole);
          expect(adapter.upstreamRequestId(headers)).not.toBe("");
        });

        test(`${way}: an answer that breaks off is never taken for a whole one`, async () => {
          const adapter = opened(fields);
          const asked = job(question);
          const { headers, bytes } = await sent(adapter, asked);
          const end = lastNeeded(adapter, asked, headers, bytes);
          for (let length = 0; length < end; length += 1 + (length >> 6)) {
            const { complete, error } = readAll(adapter.reader(asked, headers), [bytes.subarray(0, length)]);
            expect([length, complete, error instanceof GatewayError]).toEqual([length, false, true]);
          }
        });
      }
    }

    test("bytes that do not belong to its protocol are an error, and nothing throws", () => {
      const adapter = opened(sample.upstreams(sandbox)[0] ?? {});
      for (const question of sample.questions) {
        for (const bytes of ["", "{", "null", "<html>", "\0".repeat(64), "data: {\n\n", "\xff\xfe"]) {
          const { complete, error } = readAll(adapter.reader(job(question), new Map()), [Buffer.from(bytes, "latin1")]);
          expect([bytes, complete, error instanceof GatewayError]).toEqual([bytes, false, true]);
        }
      }
    });

    test("every status with any body is a failure with words for the client", () => {
      const adapter = opened(sample.upstreams(sandbox)[0] ?? {});
      const asked = job(sample.questions[0] as Question);
      for (let status = 300; status < 600; status++) {
        for (const body of ["", "<html>", "null", "[]", '{"error":null}', '{"message":"no"}', '{"error":{"message":"no","code":7}}']) {
          const failure = adapter.failure(asked, status, new Map(), body);
          expect(failure).toBeInstanceOf(GatewayError);
          expect(failure.message).not.toBe("");
        }
      }
      expect(adapter.upstreamRequestId(new Map())).toBe("");
    });

    test("credentials that the cloud does not know are a mistake of the operator, and the client does not see them", async () => {
      const fields = sample.stranger(sandbox);
      const adapter = opened(fields);
      const asked = job(sample.questions[0] as Question);
      const { status, headers, bytes } = await sent(adapter, asked);
      const failure = adapter.failure(asked, status, headers, Buffer.from(bytes).toString("latin1"));
      expect(failure.kind).toBe("misconfigured");
      for (const [, value] of leaves(fields)) expect(failure.message).not.toContain(value);
    });
  });
}

function upstreamOf(provider: string, settings: object): Upstream {
  const timeouts = { connectMs: 1_000, firstByteMs: 1_000, silenceMs: 1_000, totalMs: 1_000 };
  const dialect = providers.get(provider)?.dialect ?? "openai";
  const known = { maxCalls: undefined, ca: undefined, reserved: [], keeping: undefined, accepts: undefined };
  const telemetryName = provider;
  return { name: `${provider}-eu`, provider, telemetryName, dialect, region: "eu", timeouts, ...known, settings };
}

/** Sends a call's request to the stand-in. */
async function sent(adapter: Adapter, asked: Job) {
  const request = await adapter.request(asked);
  const { origin, method, path, body } = request;
  const { host: _, ...shown } = headersSent(request);
  const answer = await fetch(`http://${origin.host}:${origin.port}${path}`, { method, headers: shown, body: Buffer.from(body, "latin1") });
  return { status: answer.status, headers: new Map(answer.headers), bytes: new Uint8Array(await answer.arrayBuffer()) };
}

function readAll(reader: Reader, parts: readonly Uint8Array[]) {
  let text = "";
  for (const part of parts) if (reader.error === undefined) text += reader.push(part);
  if (reader.error === undefined) text += reader.end();
  const { error, complete, usage } = reader;
  return { text, error, complete, usage: { ...usage } };
}

/** After how many bytes an answer is whole: the bytes that follow may be padding, or a line end. */
function lastNeeded(adapter: Adapter, asked: Job, headers: Map<string, string>, bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0 && readAll(adapter.reader(asked, headers), [bytes.subarray(0, end - 1)]).complete) end--;
  return end;
}

/** The names of fields that are marked as secrets. */
function secretFields(schema: TSchema): string[] {
  return Object.entries((schema.properties ?? {}) as Record<string, TSchema>).flatMap(([field, inner]) => [
    ...(inner.writeOnly === true ? [field] : []),
    ...secretFields(inner),
  ]);
}

/** All ways to sign in at once, which is a mistake at every cloud. */
function everySecret(schema: TSchema): Record<string, string> {
  return Object.fromEntries(secretFields(schema).map((field) => [field, `hush-hush-of-${field}-0123456789`]));
}

/** Every text in a value, with the name of its field. */
function leaves(value: unknown, field = ""): [field: string, value: string][] {
  if (typeof value === "string") return [[field, value]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => leaves(inner, name));
}
