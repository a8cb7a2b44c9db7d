/** A process that adds keys to a key file and prints the id of each that the store has confirmed: `bun writer.ts FILE NAME [COUNT]`. */
import process from "node:process";
import { FileStore } from "../../../src/directory/file.ts";
import { storedKey } from "./stored.ts";

const [file = "", name = "", count = "1000000"] = process.argv.slice(2);
const store = new FileStore({ file });
for (let at = 0; at < Number(count); at++) {
  const key = storedKey(`${name}-${at}`);
  await store.putKey(key);
  process.stdout.write(`${key.id}\n`);
}
await store.close();
