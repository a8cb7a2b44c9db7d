/**
 * The program: reads the command line, and starts the gateway or does what the words say. Loads only what that needs: a gateway keeps what it has loaded.
 */

import process from "node:process";
import packageJson from "../../package.json" with { type: "json" };
import { type Line, readLine } from "../commands/line.ts";
import { type Outcome, UsageMistake } from "../commands/outcome.ts";
import { EXIT_USAGE } from "../contract/exit.ts";

export async function main(): Promise<void> {
  const line = readCommandLine(process.argv.slice(2));
  const environment = process.env;
  switch (line.command) {
    case "help":
      return say(line.text);
    case "version":
      return say(`${packageJson.version}\n`);
    case "check": {
      const { runCheck, runOnlineCheck } = await import("../commands/check.ts");
      return leave(await (line.online ? runOnlineCheck : runCheck)({ file: line.file, environment }), line.online);
    }
    case "schema": {
      const { runSchema } = await import("../commands/schema.ts");
      return leave(runSchema());
    }
    case "administer": {
      const { runAdminister } = await import("../commands/administer.ts");
      return leave(await runAdminister(line.asked, environment));
    }
    case "start": {
      const { start } = await import("./start.ts");
      return await start(line.file, environment, packageJson.version);
    }
  }
}

function readCommandLine(words: string[]): Line {
  try {
    return readLine(words);
  } catch (thrown) {
    if (!(thrown instanceof UsageMistake)) throw thrown;
    process.stderr.write(`weir: ${thrown.message}\n`);
    process.exit(EXIT_USAGE);
  }
}

function say(text: string): void {
  process.stdout.write(text);
}

/** @param atOnce - connections may be open that no peer closes. */
function leave({ text, exitCode }: Outcome, atOnce = false): void {
  process.exitCode = exitCode;
  (exitCode === 0 ? process.stdout : process.stderr).write(text, () => {
    if (atOnce) process.exit(exitCode);
  });
}
