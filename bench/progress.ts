/** The progress of a run on standard error: one changing line on a terminal, plain lines elsewhere. */

export class Progress {
  #begunMs = performance.now();
  readonly #isTty = process.stderr.isTTY === true;

  /** Reports that `done` of `count` measurements are over, and that `what` begins. */
  step(done: number, count: number, what: string): void {
    // What happens before the first measurement (installing a peer) does not count for the estimate.
    if (done === 0) this.#begunMs = performance.now();
    const leftMs = done === 0 ? undefined : ((performance.now() - this.#begunMs) / done) * (count - done);
    const left = leftMs === undefined ? "" : `, ${minutes(leftMs)} left`;
    this.note(`[${String(done + 1).padStart(String(count).length)} of ${count}${left}] ${what}`);
  }

  /** Reports work that is no measurement. */
  note(line: string): void {
    process.stderr.write(this.#isTty ? `\r\u001b[K${line.slice(0, (process.stderr.columns || 80) - 1)}` : `${line}\n`);
  }

  end(): void {
    if (this.#isTty) process.stderr.write("\r\u001b[K");
  }
}

const minutes = (ms: number): string => (ms < 60_000 ? `${Math.ceil(ms / 1_000)} s` : `${Math.ceil(ms / 60_000)} min`);
