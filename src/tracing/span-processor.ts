/** Sends spans in batches, with a bound on their number in memory, and counts those that do not arrive. */
import type { Context } from "@opentelemetry/api";
import { BatchSpanProcessor, type ReadableSpan, type Span, type SpanExporter, type SpanProcessor } from "@opentelemetry/sdk-trace-base";

/** The most spans that wait or are being sent. `OTEL_BSP_MAX_QUEUE_SIZE` bounds only those that wait, so it is not used. */
const MOST_SPANS = 4096;

type OnSpans = (result: "exported" | "dropped", count: number) => void;

/**
 * The batches of OpenTelemetry, with a bound on all spans in memory: those that wait, and those that are being sent, which stay here until a slow collector answers
 * or the exporter's time is over. Spans beyond the bound, and spans that could not be delivered, are dropped and counted. Calls never wait.
 */
export class BoundedSpanProcessor implements SpanProcessor {
  readonly #batches: BatchSpanProcessor;
  readonly #onSpans: OnSpans;
  #held = 0;

  constructor(exporter: SpanExporter, onSpans: OnSpans) {
    this.#onSpans = onSpans;
    this.#batches = new BatchSpanProcessor(
      {
        export: (spans, onResult) =>
          exporter.export(spans, (result) => {
            this.#gone(result.code === 0 ? "exported" : "dropped", spans.length);
            onResult(result);
          }),
        shutdown: () => exporter.shutdown(),
      },
      { maxQueueSize: MOST_SPANS },
    );
  }

  onStart(_span: Span, _parent: Context): void {}

  onEnd(span: ReadableSpan): void {
    if (this.#held >= MOST_SPANS) {
      this.#onSpans("dropped", 1);
      return;
    }
    this.#held += 1;
    this.#batches.onEnd(span);
  }

  forceFlush(): Promise<void> {
    return this.#batches.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#batches.shutdown();
  }

  #gone(result: "exported" | "dropped", count: number): void {
    this.#held -= count;
    this.#onSpans(result, count);
  }
}
