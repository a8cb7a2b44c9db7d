/** Workspaces that bring their own upstreams and models: what is theirs is theirs alone, and what they pay with is never seen. */
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { runToEnd } from "../support/weir.ts";
import { ByokWorld, byokKey, WALLETS, type WorkspaceName } from "./byok-world.ts";
import type { Answered } from "./client.ts";
import { anthropic, DIALECTS, type Spoken } from "./dialects.ts";
import type { Recorded } from "./recorder.ts";
import { expectFailure, MARKER, type World } from "./world.ts";

const STATUSES = [400, 401, 403, 404, 429, 500, 503];

/** Whose credentials a request bears; `undefined` where they are not among the known ones. */
function payer({ headers }: Recorded): string | undefined {
  const borne = JSON.stringify(headers);
  const payers = Object.entries(WALLETS).filter(([, { accessKeyId, apiKey }]) => borne.includes(accessKeyId) || borne.includes(apiKey));
  expect(payers.length).toBeLessThan(2);
  return payers[0]?.[0];
}

const secretsOf = ({ secretAccessKey, apiKey, accessKeyId }: (typeof WALLETS)["red"]) => [secretAccessKey, apiKey, accessKeyId];

export function specifyByok(world: World): void {
  const byok = new ByokWorld(world);
  /** Everything that a client got. */
  const told: string[] = [];
  const ask = async (...question: Parameters<ByokWorld["ask"]>): Promise<Answered> => {
    const answered = await byok.ask(...question);
    told.push(JSON.stringify([...answered.headers]), answered.text);
    return answered;
  };
  const get = async (path: string, workspace: WorkspaceName): Promise<Answered> => {
    const answered = await byok.get(path, workspace);
    told.push(answered.text);
    return answered;
  };
  beforeAll(() => byok.start(), 30_000);
  afterAll(() => byok.stop());

  for (const dialect of DIALECTS) describe(dialect.name, () => specifyDialect(dialect));

  function specifyDialect(dialect: Spoken): void {
    const { family } = dialect;
    const list = `/${dialect.name}/eu/v1/models`;

    world.sentence("a workspace's calls go to its own upstream with its own credentials, and to no other", async () => {
      for (const [workspace, owner] of [
        ["plain", "shared"],
        ["red", "red"],
        ["blue", "blue"],
      ] as const) {
        for (const stream of [false, true]) {
          const before = byok.counts();
          const answered = await ask(dialect, workspace, { stream });
          expect([workspace, answered.status]).toEqual([workspace, 200]);
          expect(byok.counts()).toEqual({ ...before, [owner]: before[owner] + 1 });
        }
      }
      for (const owner of ["shared", "red", "blue"] as const) {
        const payers = byok.recorder(owner).all().map(payer);
        expect(payers.length).toBeGreaterThan(1);
        expect(new Set(payers)).toEqual(new Set([owner]));
      }
    });

    world.sentence("two workspaces whose upstreams bear one name do not mix, however many ask at once", async () => {
      const before = byok.counts();
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, index) => ask(dialect, index % 3 === 0 ? "blue" : "red", { stream: index % 2 === 0 })),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      expect(byok.counts()).toEqual({ shared: before.shared, red: before.red + 40, blue: before.blue + 20 });
      for (const owner of ["red", "blue"] as const)
        expect(
          byok
            .recorder(owner)
            .all()
            .every((request) => payer(request) === owner),
        ).toBe(true);
    });

    world.sentence("the log and the metrics tell apart upstreams of one name by their workspace", async () => {
      const [red, blue] = [await ask(dialect, "red"), await ask(dialect, "blue")];
      const upstream = dialect === anthropic ? "own-bedrock" : "own-azure";
      expect(await byok.logged(red)).toMatchObject({ workspace: "red", upstream: `red/${upstream}` });
      expect(await byok.logged(blue)).toMatchObject({ workspace: "blue", upstream: `blue/${upstream}` });
      const metrics = await (await fetch(`${byok.weir.adminUrl}/metrics`)).text();
      for (const name of [`red/${upstream}`, `blue/${upstream}`, `${dialect === anthropic ? "bedrock" : "azure"}-shared`])
        expect([name, metrics.includes(`upstream="${name}",model="${family}",outcome="upstream_timeout"`)]).toEqual([name, true]);
    });

    world.sentence("an entry without targets keeps the shared ones, and the operator's credentials with them", async () => {
      const before = byok.counts();
      expect((await ask(dialect, "red", { model: `${family}-kept` })).status).toBe(200);
      expect(byok.counts()).toEqual({ ...before, shared: before.shared + 1 });
      expect(payer(byok.recorder("shared").last())).toBe("shared");
    });

    world.sentence("its list of models is its own, and so is the answer about a model that is not there", async () => {
      const lists: [WorkspaceName, string[]][] = [
        ["plain", ["", "-kept", "-hidden"]],
        ["red", ["", "-red", "-kept"]],
        ["blue", [""]],
      ];
      for (const [workspace, endings] of lists) {
        const names = endings.map((ending) => `${family}${ending}`);
        const { data } = JSON.parse((await get(list, workspace)).text) as { data: { id: string }[] };
        expect([workspace, data.map(({ id }) => id).sort()]).toEqual([workspace, names.sort()]);
        for (const name of names) expect(JSON.parse((await get(`${list}/${name}`, workspace)).text)).toMatchObject({ id: name });
      }
      const before = byok.counts();
      for (const absent of [`${family}-hidden`, `${family}-red`]) {
        for (const answered of [await ask(dialect, "blue", { model: absent }), await get(`${list}/${absent}`, "blue")]) {
          const { message } = expectFailure(dialect, answered, "not_found_model");
          expect(message).toContain(`Models in eu: ${family}.`);
          expect(message.replace(`"${absent}"`, "")).not.toMatch(/-(?:kept|red|hidden)/);
        }
      }
      expect(byok.counts()).toEqual(before);
    });

    world.sentence("credentials that its upstream rejects are a 502 to its clients; the log names the upstream and the cure", async () => {
      const before = byok.counts();
      for (const stream of [false, true]) {
        const answered = await ask(dialect, "refused", { stream });
        expectFailure(dialect, answered, "misconfigured");
        expect(answered.text).not.toMatch(/bedrock|azure|aws|signature|127\.0\.0\.1/i);
        const upstream = `refused/${dialect === anthropic ? "own-bedrock" : "own-azure"}`;
        const line = await byok.logged(answered);
        expect(line).toMatchObject({ level: "error", upstream, outcome: "misconfigured", workspace: "refused" });
        expect(String(line.cause)).toContain(upstream);
        expect(String(line.cause)).toMatch(/credential|key/i);
      }
      expect(byok.counts()).toEqual(before);
    });

    world.sentence("a workspace whose upstream is down reads that; the shared upstreams do not take its calls", async () => {
      const before = byok.counts();
      for (const stream of [false, true]) expectFailure(dialect, await ask(dialect, "stranded", { stream }), "unreachable");
      expect(byok.counts()).toEqual(before);
      expect((await ask(dialect, "plain")).status).toBe(200);
    });

    world.sentence("an upstream that repeats the credentials in its error does not get them into an answer or the log", async () => {
      const asked = STATUSES.flatMap((status) => [false, true].map((stream) => ({ status, stream })));
      const look = async ({ status, stream }: (typeof asked)[number]) => {
        const answered = await ask(dialect, "echoed", { model: `${family}-${status}`, stream });
        expect(answered.status).toBeGreaterThanOrEqual(400);
        const line = JSON.stringify(await byok.logged(answered));
        for (const secret of secretsOf(WALLETS.refused))
          expect([status, stream, answered.text.includes(secret), line.includes(secret)]).toEqual([status, stream, false, false]);
      };
      await Promise.all(asked.map(look));
    });
  }

  world.sentence("the check holds a workspace's own upstreams to their region", async () => {
    const upstream = (aws_region: string) => ({
      provider: "bedrock",
      region: "eu",
      aws_region,
      credentials: { bearer_token: "byok-bearer-token-7be1" },
    });
    const checked = (aws_region: string, model: string) => {
      const own = { upstreams: { own: upstream(aws_region) }, models: { m: { targets: [{ upstream: "own", model }] } } };
      return runToEnd(world.runtime, { config: { ...byok.configuration(), workspaces: { team: own } }, arguments: ["check"] });
    };
    const id = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    const good = await checked("eu-west-1", `eu.${id}`);
    expect([good.code, good.stderr]).toEqual([0, ""]);
    const [abroad, profile] = await Promise.all([checked("us-east-1", id), checked("eu-west-1", `us.${id}`)]);
    expect(abroad.code).toBe(1);
    expect(abroad.stderr).toMatch(/workspaces\.team\.upstreams\.own\.aws_region: .*us-east-1 is not in region "eu"/);
    expect(profile.code).toBe(1);
    expect(profile.stderr).toMatch(/workspaces\.team\.models\.m\.targets\.0\.model: .*would leave region "eu"/);
    for (const { stdout, stderr } of [good, abroad, profile]) expect(stdout + stderr).not.toContain("byok-bearer-token-7be1");
  });

  world.sentence("nothing that Weir says holds a workspace's credentials, keys or prompts", async () => {
    const pages = await Promise.all(
      [`${byok.weir.adminUrl}/metrics`, `${byok.weir.adminUrl}/readyz`, `${byok.weir.url}/readyz`, `${byok.weir.url}/openapi.json`].map(
        async (url) => await (await fetch(url)).text(),
      ),
    );
    const check = await runToEnd(world.runtime, { config: byok.configuration(), arguments: ["check"] });
    expect([check.code, check.stdout]).toEqual([0, expect.stringContaining("own-azure")]);
    expect(told.length).toBeGreaterThan(100);
    const said = [...told, ...pages, check.stdout, check.stderr, byok.weir.output()];
    const secrets = [...Object.values(WALLETS).flatMap(secretsOf), ...["plain", "red", "blue", "refused", "echoed"].map(byokKey), MARKER];
    for (const secret of secrets) expect([secret, said.filter((text) => text.includes(secret)).length]).toEqual([secret, 0]);
  });
}
