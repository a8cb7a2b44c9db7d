/** Late by more than this, so often in a row, the thread has more to do than it can. Looks are a quarter of a second apart, so that this takes over three seconds. */
const LATE_MS = 1_000;
const LATE_LOOKS = 3;
/** After so many checks in a row that found the thread no later than this, it has caught up. */
const CALM_MS = 500;
const CALM_LOOKS = 4;

/**
 * Whether new calls are refused because this process's own thread is behind: each call more would make all that it has later still. One long stop (a machine
 * that was suspended) is no reason.
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

  /** How late the thread is found to be, four times a second. */
  sample(lagMs: number): void {
    this.#late = lagMs > LATE_MS ? this.#late + 1 : 0;
    this.#calm = lagMs <= CALM_MS ? this.#calm + 1 : 0;
    const isOn = this.#isOn ? this.#calm < CALM_LOOKS : this.#late >= LATE_LOOKS;
    if (isOn === this.#isOn) return;
    this.#isOn = isOn;
    this.#onChange(isOn);
  }
}
