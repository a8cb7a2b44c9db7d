/** Official clients, unchanged, against a running gateway: every client of the list, held to every behaviour of the list. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { anthropicClients } from "./anthropic.ts";
import { BEHAVIOURS, type Behaviour, type Client, MODELS, type Task } from "./behaviours.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { langchainClients } from "./langchain.ts";
import { openaiClients } from "./openai.ts";
import { endPython, pythonClients } from "./python.ts";
import { publishedTable, publishTable, renderTable } from "./table.ts";
import { vercelClients } from "./vercel.ts";

const CLIENTS: Client[] = [...anthropicClients, ...openaiClients, ...vercelClients, ...langchainClients, ...pythonClients];
const CELL_TIMEOUT_MS = 30_000;

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
}, CELL_TIMEOUT_MS);
afterAll(async () => {
  endPython();
  await gateway.stop();
});

/** Cells that have passed; what is missing here at the end has failed or was not run. */
const passed = new Set<string>();

for (const [index, client] of CLIENTS.entries()) {
  if (client.missing !== undefined) console.warn(`${client.name} is not run: ${client.missing}`);
  describe.skipIf(client.missing !== undefined)(client.name.replaceAll("`", ""), () => {
    for (const behaviour of BEHAVIOURS.filter(({ name }) => client.lacks[name] === undefined)) {
      test.concurrent(behaviour.sentence, () => check(client, behaviour, `mark-${index}-${behaviour.name}`), CELL_TIMEOUT_MS);
    }
  });
}

test("docs/clients.md says what this run has shown (else: WRITE_DOCS=1 bun test test/spec/clients)", () => {
  const table = renderTable(CLIENTS, BEHAVIOURS);
  if (process.env.WRITE_DOCS === "1") {
    const unshown = CLIENTS.flatMap((client) =>
      BEHAVIOURS.filter(({ name }) => client.lacks[name] === undefined && !passed.has(`${client.name} ${name}`)).map(
        ({ name }) => `${client.name} ${name}`,
      ),
    );
    expect(unshown).toEqual([]);
    publishTable(table);
  }
  expect(publishedTable()).toBe(table);
});

async function check(client: Client, behaviour: Behaviour, mark: string): Promise<void> {
  const task: Task = {
    action: "answer",
    url: gateway.url,
    key: gateway.key,
    model: MODELS[client.dialect],
    prompt: "",
    retries: 0,
    unacceptable: false,
    ...behaviour.task(client, mark),
  };
  const observation = await client.perform(task);
  behaviour.verify({ client, observation, calls: gateway.callsOf(mark), mark });
  passed.add(`${client.name} ${behaviour.name}`);
}
