/**
 * The thread is overloaded where so many looks in a row have found it later than this. Looks are a quarter of a second apart, and a late look comes late itself: so
 * this takes over three seconds.
 */
const LATE_MS = 1_000;
const LATE_LOOKS = 3;
/** The thread has caught up where so many looks in a row have found it no later than this. */
const CALM_MS = 500;
const CALM_LOOKS = 4;

/**
 * Whether new calls are refused because this process's own thread is behind: each further call would delay all others more. One long stop, as of a machine that was
 * suspended, is no reason to refuse.
 */
export class Shedding {
  readonly #onChange: (isOn: boolean) => void;
  #late = 0;
  #calm = 0;
  #isOn = false;

  constructor(onChange: (isOn: boolean) => void) {
    this.#onChange = onChange;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** One look, four times a second. @param lagMs - How late the thread is. */
  sample(lagMs: number): void {
    this.#late = lagMs > LATE_MS ? this.#late + 1 : 0;
    this.#calm = lagMs <= CALM_MS ? this.#calm + 1 : 0;
    const isOn = this.#isOn ? this.#calm < CALM_LOOKS : this.#late >= LATE_LOOKS;
    if (isOn === this.#isOn) return;
    this.#isOn = isOn;
    this.#onChange(isOn);
  }
}
