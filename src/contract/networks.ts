/** IP addresses and networks. */
import { BlockList, isIP } from "node:net";

/** Whether a text is an address, or a network such as `10.0.0.0/8`. */
export function isNetwork(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return bits === undefined || (/^[0-9]{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

/** A set of addresses, by networks (`isNetwork`). */
export class Networks {
  readonly #list = new BlockList();
  readonly isEmpty: boolean;

  constructor(networks: readonly string[]) {
    this.isEmpty = networks.length === 0;
    for (const text of networks) {
      const [address = "", bits] = text.split("/");
      const plain = plainAddress(address);
      const family = isIP(plain) === 4 ? "ipv4" : "ipv6";
      // The bits of a mapped address count from the longer one's beginning.
      const skipped = plain === address ? 0 : 96;
      if (bits === undefined) this.#list.addAddress(plain, family);
      else this.#list.addSubnet(plain, Math.max(0, Number(bits) - skipped), family);
    }
  }

  /** @param address - An address from `plainAddress`; any other text is in no network. */
  has(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.#list.check(address, family === 4 ? "ipv4" : "ipv6");
  }
}

/** An address in plain form: IPv4 also where a socket of IPv6 reports it as `::ffff:10.0.0.1`. */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:([0-9.]{7,15})$/i.exec(address)?.[1];
  return mapped !== undefined && isIP(mapped) === 4 ? mapped : address;
}
