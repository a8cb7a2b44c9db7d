/** Reads a stand-in's directives from the text of the last user message. */
import { type Behaviour, DIRECTIVES, type Directive, number, UnknownDirective, USUAL, usual } from "./directives.ts";

/** Parameters of every directive: only the first `times` requests with this same text; only models whose upstream name contains `for`. */
const COMMON_PARAMETERS: readonly string[] = ["times", "for"];

interface Order {
  directive: Directive;
  name: string;
  values: Record<string, string>;
}

/** `a b=1 c=2` is directive a with b=1, then c=2: a parameter of a where it has one of that name, else a directive of its own. */
function parse(inside: string): { orders: Order[]; common: Record<string, string> } {
  const orders: Order[] = [];
  const common: Record<string, string> = {};
  for (const item of inside.split(/[\s,]+/).filter(Boolean)) {
    const [name = "", value] = item.split("=", 2);
    const last = orders.at(-1);
    const directive = Object.hasOwn(DIRECTIVES, name) ? DIRECTIVES[name] : undefined;
    if (value !== undefined && COMMON_PARAMETERS.includes(name)) common[name] = value;
    else if (value !== undefined && last !== undefined && name !== last.name && name in last.directive.parameters)
      last.values[name] = value;
    else if (directive !== undefined && (value === undefined || name in directive.parameters)) {
      orders.push({ directive, name, values: { ...directive.parameters, ...(value === undefined ? {} : { [name]: value }) } });
    } else throw new UnknownDirective(`[sandbox: …] does not know "${item}". Directives: ${Object.keys(DIRECTIVES).join(", ")}.`);
  }
  return { orders, common };
}

const MOST_REMEMBERED = 1_000;

/** Counts how often each directive with `times` was used. One for each sandbox. */
export class DirectiveReader {
  readonly #obeyed = new Map<string, number>();

  /**
   * @param message text of the last user message
   * @param model the upstream's name of the model that was called
   * @throws UnknownDirective for a name or parameter that does not exist
   */
  read(message: string, model: string): Readonly<Behaviour> {
    if (!message.includes("[sandbox:")) return USUAL;
    const behaviour = usual();
    for (const found of message.matchAll(/\[sandbox:([^\]]*)\]/g)) {
      const { orders, common } = parse(found[1] ?? "");
      if (common.for !== undefined && !model.includes(common.for)) continue;
      if (common.times !== undefined && !this.#take(`${found.index} ${message}`, number(common, "times"))) continue;
      for (const { directive, name, values } of orders) {
        directive.apply(behaviour, values);
        if (name === "echo") behaviour.echo = message.slice(found.index + found[0].length).replace(/^\s/, "");
      }
    }
    return behaviour;
  }

  #take(place: string, times: number): boolean {
    const count = (this.#obeyed.get(place) ?? 0) + 1;
    if (count > times) return false;
    if (this.#obeyed.size >= MOST_REMEMBERED) this.#obeyed.clear();
    this.#obeyed.set(place, count);
    return true;
  }
}
