/** The program: reads the command line, and starts the gateway or runs a command. It loads only what that needs, because a gateway keeps what it has loaded. */

import process from "node:process";
import packageJson from "../../package.json" with { type: "json" };
import { type Outcome, UsageMistake } from "../commands/command.ts";
import { type Line, readLine } from "../commands/line.ts";
import { EXIT_USAGE } from "../contract/exit.ts";
import { program } from "../runtime/runtime.ts";

export async function main(): Promise<void> {
  const environment = process.env;
  const line = readCommandLine(process.argv.slice(2), program(environment));
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
      const { publishedSchema } = await import("../config/published.ts");
      return say(publishedSchema());
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

function readCommandLine(words: string[], typed: string): Line {
  try {
    return readLine(words, typed);
  } catch (thrown) {
    if (!(thrown instanceof UsageMistake)) throw thrown;
    process.stderr.write(`weir: ${thrown.message}\n`);
    process.exit(EXIT_USAGE);
  }
}

function say(text: string): void {
  process.stdout.write(text);
}

/** @param atOnce - end without waiting for open connections, which no peer may ever close */
function leave({ text, exitCode }: Outcome, atOnce = false): void {
  process.exitCode = exitCode;
  (exitCode === 0 ? process.stdout : process.stderr).write(text, () => {
    if (atOnce) process.exit(exitCode);
  });
}
