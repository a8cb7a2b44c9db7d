import type { ConfigSource } from "../config.ts";
import { CommandRefusal, type Way } from "./administration.ts";

export async function overStore(_source: ConfigSource): Promise<Way> {
  throw new CommandRefusal("unavailable", "not yet");
}
