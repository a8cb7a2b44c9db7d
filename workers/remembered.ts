/** Texts that are remembered: names of a configuration or a protocol are some dozens, and what comes from outside must not fill the memory. */
const MOST = 1_000;

/** The same function, which works a text out once: for what follows from a model's name or the like, and would be worked out for each call. */
export function remembered<T>(make: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    if (known.has(text)) return known.get(text) as T;
    const made = make(text);
    if (known.size < MOST) known.set(text, made);
    return made;
  };
}
