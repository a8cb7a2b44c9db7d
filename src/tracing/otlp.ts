/** Makes spans by OpenTelemetry's packages, and sends them as OTLP over HTTP. The packages read the standard variables (`OTEL_…`) themselves. */
import {
  type Attributes,
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { defaultResource, detectResources, envDetector, type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { GEN_AI, HTTP, OPERATIONS, OWN } from "./attributes.ts";
import { BoundedSpanProcessor } from "./span-processor.ts";
import type { AttemptBegun, AttemptEnded, CallBegun, CallEnded, CallSpan, Tracing, TracingOptions } from "./tracing.ts";

const SCOPE = "weir";

export class OtlpTracing implements Tracing {
  readonly #provider: BasicTracerProvider;
  readonly #tracer: Tracer;

  constructor({ version, process, onSpans }: TracingOptions) {
    const resource = resourceOf(version, process);
    this.#provider = new BasicTracerProvider({ resource, spanProcessors: [new BoundedSpanProcessor(new OTLPTraceExporter(), onSpans)] });
    this.#tracer = this.#provider.getTracer(SCOPE, version);
  }

  begin({ method, route, operation, traceparent, tracestate }: CallBegun): CallSpan | undefined {
    const context = traceparent === "" ? ROOT_CONTEXT : remote(traceparent, tracestate);
    const span = this.#tracer.startSpan(`${method} ${route}`, { kind: SpanKind.SERVER }, context);
    if (!span.isRecording()) return undefined;
    span.setAttribute(HTTP.method, method);
    span.setAttribute(HTTP.route, route);
    return new OtlpCallSpan(this.#tracer, span, OPERATIONS[operation] ?? operation);
  }

  async close(): Promise<void> {
    try {
      await this.#provider.shutdown();
    } catch {
      // Spans that could not be sent have been counted.
    }
  }
}

/** Attributes of the sending process. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` override Weir's own. */
function resourceOf(version: string, process: number | undefined): Resource {
  const own: Attributes = { "service.name": SCOPE, "service.version": version };
  if (process !== undefined) own["weir.process"] = process;
  return defaultResource()
    .merge(resourceFromAttributes(own))
    .merge(detectResources({ detectors: [envDetector] }));
}

/** @param traceparent - The W3C header, version 00. */
function remote(traceparent: string, tracestate: string): Context {
  const [, traceId = "", spanId = "", flags = ""] = traceparent.split("-");
  const traceFlags = Number.parseInt(flags, 16) & 1;
  const state = tracestate === "" ? {} : { traceState: createTraceState(tracestate) };
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true, ...state });
}

function parentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${(traceFlags & 1) === 1 ? "01" : "00"}`;
}

class OtlpCallSpan implements CallSpan {
  readonly #tracer: Tracer;
  readonly #span: Span;
  readonly #operation: string;
  #attempt: Span | undefined;
  #isStream = false;

  /** @param operation - The operation's name in the conventions. */
  constructor(tracer: Tracer, span: Span, operation: string) {
    this.#tracer = tracer;
    this.#span = span;
    this.#operation = operation;
  }

  get traceId(): string {
    return this.#span.spanContext().traceId;
  }

  get traceparent(): string {
    return parentOf(this.#span);
  }

  get attemptParent(): string {
    return parentOf(this.#attempt ?? this.#span);
  }

  attemptBegan({ provider, upstream, model, stream, maxTokens, session }: AttemptBegun): void {
    const name = this.#operation;
    const attributes: Attributes = {
      [GEN_AI.operation]: name,
      [GEN_AI.provider]: provider,
      [GEN_AI.model]: model,
      [OWN.upstream]: upstream,
    };
    if (stream) attributes[GEN_AI.stream] = true;
    if (maxTokens > 0) attributes[GEN_AI.maxTokens] = maxTokens;
    if (session !== "") attributes[GEN_AI.conversation] = session;
    this.#isStream = stream;
    const parent = trace.setSpan(ROOT_CONTEXT, this.#span);
    this.#attempt = this.#tracer.startSpan(`${name} ${model}`, { kind: SpanKind.CLIENT, attributes }, parent);
  }

  attemptEnded({ outcome, usage, firstByteMs, upstreamRequestId, sendings }: AttemptEnded): void {
    const span = this.#attempt;
    if (span === undefined) return;
    this.#attempt = undefined;
    if (usage !== undefined) {
      const { input, output, cacheRead, cacheWrite } = usage;
      // By the conventions the input includes the tokens that were read from or written to a cache.
      span.setAttribute(GEN_AI.input, input + cacheRead + cacheWrite);
      span.setAttribute(GEN_AI.output, output);
      if (cacheRead > 0) span.setAttribute(GEN_AI.cacheRead, cacheRead);
      if (cacheWrite > 0) span.setAttribute(GEN_AI.cacheWrite, cacheWrite);
    }
    if (this.#isStream && firstByteMs > 0) span.setAttribute(GEN_AI.firstChunk, firstByteMs / 1000);
    if (upstreamRequestId !== "") span.setAttribute(OWN.upstreamRequestId, upstreamRequestId);
    if (sendings > 1) span.setAttribute(OWN.sendings, sendings);
    finish(span, outcome, outcome !== "ok" && outcome !== "cancelled");
  }

  attemptWithdrawn(): void {
    this.#attempt?.end();
    this.#attempt = undefined;
  }

  ended({ requestId, workspace, keyId, model, region, status, outcome, attempts, client }: CallEnded): void {
    this.attemptEnded({ outcome, usage: undefined, firstByteMs: 0, upstreamRequestId: "", sendings: 1 });
    const span = this.#span;
    const said: Attributes = {
      [OWN.requestId]: requestId,
      [OWN.workspace]: workspace,
      [OWN.keyId]: keyId,
      [OWN.model]: model,
      [OWN.region]: region,
      [HTTP.client]: client,
    };
    for (const [name, value] of Object.entries(said)) if (value !== "") span.setAttribute(name, value as string);
    span.setAttribute(HTTP.status, status);
    if (attempts > 0) span.setAttribute(OWN.attempts, attempts);
    // By the conventions a client's own mistake is not an error of the server.
    finish(span, outcome, status >= 500);
  }
}

function finish(span: Span, outcome: string, isFailure: boolean): void {
  span.setAttribute(OWN.outcome, outcome);
  if (outcome !== "ok") span.setAttribute(HTTP.error, outcome);
  if (isFailure) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}
