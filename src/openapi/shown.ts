import type { UpstreamDialect } from "../contract/dialect.ts";
import type { Offered, OfferedModel } from "./offered.ts";

/** The region that the examples were written with. */
const WRITTEN_REGION = "eu";

/** The model and the region of an example: those that it was written with where they are served here, else the first that are served. */
export class Shown {
  readonly model: string;
  readonly region: string;
  /** All models that the example could have; empty where none is served. */
  readonly models: readonly string[];
  readonly #written: string;

  /** @param written - the model of the example */
  constructor(offered: Offered, dialect: UpstreamDialect, written: string) {
    const alike = offered.models.filter((model) => model.dialect === dialect && embeds(model) === embeds({ name: written }));
    const shown = alike.find(({ name }) => name === written) ?? alike[0];
    const regions = shown?.regions ?? offered.regions;
    this.#written = written;
    this.model = shown?.name ?? written;
    this.region = regions.includes(WRITTEN_REGION) ? WRITTEN_REGION : (regions[0] ?? WRITTEN_REGION);
    this.models = alike.map(({ name }) => name);
  }

  /** The same text or value with this model in it. */
  put<Value>(example: Value): Value {
    const [written, shown] = [this.#written, this.model].map((name) => JSON.stringify(name)) as [string, string];
    if (typeof example === "string") return example.replaceAll(written, () => shown) as Value;
    return JSON.parse(JSON.stringify(example).replaceAll(written, () => shown)) as Value;
  }
}

/** Only the name of a model shows what it is for. */
function embeds({ name }: Pick<OfferedModel, "name">): boolean {
  return /embed/i.test(name);
}
