// The forge is killed with SIGKILL at every step of a landing. Afterwards the target is whole, every branch is either on it
// or still open, and the queue goes on by itself.
import { watch } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { LandingView, QueueView } from '../../src/landing/queue/model.ts';
import { makePh } from '../support/ph.ts';
import { manifestOf, pushBranch, pushProject } from '../support/sample-project.ts';
import { useServedForge, type ServedForge } from '../support/serve.ts';

const startForge = useServedForge();
const settings =
  '[ci]\nconcurrency = 2\nleaseSeconds = 3\nheartbeatSeconds = 1\npollSeconds = 1\n[landing]\npollSeconds = 1\n';

/** What is waited for before the forge is killed; each is tried with a branch of its own. */
const moments = ['queued', 'testing', 'main.lock', 'main', 'branch'] as const;
type Moment = (typeof moments)[number];

const nameOf = (moment: Moment): string => `at-${moment.replace('.', '-')}`;

class Api {
  readonly #served: ServedForge;
  readonly #token: string;

  constructor(served: ServedForge, token: string) {
    this.#served = served;
    this.#token = token;
  }

  async ask<Answer>(path: string, body?: object): Promise<Answer> {
    const headers = { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' };
    const post = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const answer = await fetch(`${this.#served.http}/api/v1/repos/demo/app${path}`, { headers, ...post });
    expect(answer.ok, `${path}: ${answer.status}`).toBe(true);
    return (await answer.json()) as Answer;
  }

  async states(): Promise<string[]> {
    const { targets } = await this.ask<QueueView>('/landings');
    return targets.flatMap(({ entries }) => entries.map(({ state }: LandingView) => state));
  }
}

/** Resolves when the forge was killed at the moment, or a little later when the moment is too short to be seen. */
async function killAt(
  served: ServedForge,
  api: Api,
  moment: Exclude<Moment, 'queued'>,
  branch: string,
): Promise<void> {
  if (moment === 'testing') {
    await expect.poll(() => api.states(), { timeout: 60_000 }).toContain('testing');
    return served.kill();
  }
  const wanted = moment === 'branch' ? branch : moment;
  const touched = Promise.withResolvers<void>();
  const watcher = watch(join(served.data, 'repos/1.git/refs/heads'), (_event, file) => {
    if (file !== wanted) return;
    // At once, in the very callback: the steps that follow are a few milliseconds long.
    process.kill(served.pid, 'SIGKILL');
    watcher.close();
    touched.resolve();
  });
  await touched.promise;
  await served.kill();
}

test(
  'a landing is whole or absent whenever the forge is killed, and the queue goes on',
  { timeout: 300_000 },
  async () => {
    const served = await startForge({ settings });
    const ada = await served.person('ada', 'admin');
    const lanes = [{ id: 'unit', command: 'sleep 0.3' }];
    await pushProject(served, {
      client: ada,
      repo: 'demo/app',
      files: { '.pika/lanes.toml': manifestOf(lanes) },
    });
    const api = new Api(served, await served.token('ada'));
    const ph = await makePh(served, ada);
    const heads: string[] = [];
    for (const name of moments) {
      const branch = nameOf(name);
      const files = { [`${branch}.txt`]: `${branch}\n` };
      heads.push((await pushBranch(ada, { name: branch, message: `Add ${branch}`, files })).head);
    }
    for (const name of moments) {
      expect(await ph('wait', nameOf(name))).toMatchObject({ status: 0 });
    }

    for (const [place, moment] of moments.entries()) {
      const head = heads[place];
      const land = `/branches/${place + 1}/land`;
      const killed = moment === 'queued' ? undefined : killAt(served, api, moment, nameOf(moment));
      const answer = await api.ask(land, { head }).catch(() => undefined);
      await (killed ?? served.kill());
      await served.restart();
      // What was answered is kept; what was cut off may be asked for again.
      if (answer === undefined) await api.ask(land, { head }).catch(() => undefined);
      const stateOf = async () =>
        (await api.ask<{ branch: { state: string } }>(`/branches/${place + 1}`)).branch.state;
      await expect.poll(stateOf, { timeout: 120_000 }).toBe('merged');
      await ada.git('fetch', '--quiet', 'origin', 'main');
      expect((await ada.git('rev-list', 'FETCH_HEAD')).split('\n')).toContain(head);
    }

    const { ended, targets } = await api.ask<QueueView>('/landings');
    expect(targets.flatMap(({ entries }) => entries)).toEqual([]);
    expect(ended.map(({ state }) => state)).toEqual(moments.map(() => 'landed'));
    expect((await ada.git('rev-list', '--merges', '--count', 'FETCH_HEAD')).trim()).toBe(`${moments.length}`);
    const { stdout } = await served.operate('doctor', '--json');
    const { findings } = JSON.parse(stdout) as { findings: { level: string }[] };
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);
  },
);
