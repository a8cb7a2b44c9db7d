/** The requests that a sandbox has received: what each one was, and how many there were. */

/** One request as a stand-in received it. */
export interface CallRecord {
  id: number;
  method: string;
  /** The path as it came: not decoded, with its query. */
  path: string;
  /** Headers by their names in lower case; credentials are masked. */
  headers: Record<string, string>;
  /** The body, parsed; undefined where it was no JSON, or larger than 1 MiB. */
  body: unknown;
  bodyBytes: number;
  /** The HTTP status of the answer; 0 as long as no answer has begun. */
  status: number;
  /** `aborted`: the client closed the connection before the answer was complete. `broken`: the sandbox closed it, because a directive asked for it. */
  outcome: "open" | "completed" | "aborted" | "broken";
  bytesWritten: number;
  /** The AWS region of the signature; undefined where there was none. */
  region: string | undefined;
}

export interface CallCounts {
  opened: number;
  /** Calls that are open now. */
  open: number;
  /** The largest number of calls that were open at one moment. */
  peak: number;
  completed: number;
  aborted: number;
  broken: number;
  /** Answers that now wait for their client to read. */
  stalled: number;
  bytesWritten: number;
  connections: number;
  connectionsOpened: number;
  /** Requests to the stand-in for Entra ID; `opened` does not count them. */
  tokenRequests: number;
}

const LARGEST_KEPT_BODY = 1024 * 1024;

function none(): CallCounts {
  return {
    opened: 0,
    open: 0,
    peak: 0,
    completed: 0,
    aborted: 0,
    broken: 0,
    stalled: 0,
    bytesWritten: 0,
    connections: 0,
    connectionsOpened: 0,
    tokenRequests: 0,
  };
}

/** The stand-ins write these counts and records; tests and benchmarks read them. */
export class Calls {
  #counts = none();
  #recent: CallRecord[] = [];
  #lastId = 0;
  readonly #remember: number;

  constructor(remember: number) {
    this.#remember = remember;
  }

  get counts(): Readonly<CallCounts> {
    return this.#counts;
  }

  /** The last requests, oldest first. */
  get recent(): CallRecord[] {
    return this.#recent.map((record) => ({ ...record, headers: masked(record.headers) }));
  }

  snapshot(): CallCounts & { recent: CallRecord[] } {
    return { ...this.#counts, recent: this.recent };
  }

  /** Forgets calls that are over; open calls and connections stay counted. */
  reset(): void {
    const { open, stalled, connections } = this.#counts;
    this.#counts = { ...none(), open, opened: open, peak: open, stalled, connections, connectionsOpened: connections };
    this.#recent = [];
  }

  begin(method: string, path: string, headers: Record<string, string>): CallRecord {
    const counts = this.#counts;
    counts.opened++;
    counts.open++;
    if (counts.open > counts.peak) counts.peak = counts.open;
    const record: CallRecord = {
      id: ++this.#lastId,
      method,
      path,
      headers,
      body: undefined,
      bodyBytes: 0,
      status: 0,
      outcome: "open",
      bytesWritten: 0,
      region: undefined,
    };
    this.#recent.push(record);
    if (this.#recent.length > this.#remember) this.#recent.shift();
    return record;
  }

  keepBody(record: CallRecord, body: unknown, bytes: number): void {
    record.bodyBytes = bytes;
    if (bytes <= LARGEST_KEPT_BODY) record.body = body;
  }

  wrote(record: CallRecord, bytes: number): void {
    record.bytesWritten += bytes;
    this.#counts.bytesWritten += bytes;
  }

  end(record: CallRecord, outcome: "completed" | "aborted" | "broken"): void {
    if (record.outcome !== "open") return;
    record.outcome = outcome;
    this.#counts.open--;
    this.#counts[outcome]++;
  }

  stall(change: 1 | -1): void {
    this.#counts.stalled += change;
  }

  connection(change: 1 | -1): void {
    this.#counts.connections += change;
    if (change > 0) this.#counts.connectionsOpened++;
  }

  tokenRequest(): void {
    this.#counts.tokenRequests++;
  }
}

/** Hides credentials. The scope of a signature and the names of its headers are no secret and are useful to see, so they stay. */
function masked(headers: Record<string, string>): Record<string, string> {
  const shown = { ...headers };
  for (const name of ["api-key", "x-api-key", "x-amz-security-token"]) if (name in shown) shown[name] = "***";
  const authorization = shown.authorization;
  if (authorization !== undefined) {
    shown.authorization = authorization.startsWith("AWS4-HMAC-SHA256 ")
      ? authorization.replace(/Signature=.*$/, "Signature=***")
      : `${authorization.split(" ", 1)[0]} ***`;
  }
  return shown;
}
