// A real forge, pushed to by git over SSH, with a mirror: it is killed in the middle of a sync, after the remote has taken the
// branch and before anybody was told. The next start finds its own work there and takes it for nobody else's.
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { mirrorSyncsView, mirrorView } from '../../src/mirror/model.ts';
import { outputOf } from '../support/run-program.ts';
import { manifestOf, pushBranch, pushProject } from '../support/sample-project.ts';
import { useServedForge } from '../support/serve.ts';

const startForge = useServedForge();
const wait = { timeout: 180_000, interval: 50 };
const settings = '[mirror]\nallowedSchemes = ["file"]\nretrySeconds = 1\n';

test(
  'a sync that is killed leaves nothing half, and what it sent is not taken for diverged; a merge follows by itself',
  { timeout: 600_000 },
  async () => {
    const served = await startForge({ settings });
    const ada = await served.person('ada', 'admin');
    const token = await served.token('ada', 'admin');
    const manifest = manifestOf([{ id: 'unit', command: 'true' }]);
    await pushProject(served, { client: ada, repo: 'ada/app', files: { '.pika/lanes.toml': manifest } });
    const far = join(served.folder, 'far.git');
    const git = (...args: string[]): Promise<string> =>
      outputOf(['git', ...args], { cwd: far, env: ada.env });
    mkdirSync(far);
    await git('init', '--quiet', '--bare');
    const tipOf = async (ref: string): Promise<string> =>
      (await git('for-each-ref', '--format=%(objectname)', ref)).trim();
    const ask = async (method: string, path: string, body?: unknown): Promise<unknown> => {
      const response = await fetch(`${served.http}/api/v1/repos/ada/app${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}: ${text}`);
      return JSON.parse(text);
    };
    const mirror = async () => mirrorView.parse(await ask('GET', '/mirrors/there'));
    await ask('POST', '/mirrors', { name: 'there', url: far });
    await vi.waitFor(async () => expect((await mirror()).state).toBe('in-step'), wait);

    // The remote has moved its refs when this hook runs, and does not answer before the file is gone.
    const hold = join(far, 'hold');
    const reached = join(far, 'reached');
    writeFileSync(hold, '');
    mkdirSync(join(far, 'hooks'), { recursive: true });
    writeFileSync(
      join(far, 'hooks/post-receive'),
      '#!/bin/sh\necho $$ > reached.part && mv reached.part reached\nwhile [ -e hold ]; do sleep 0.05; done\n',
    );
    chmodSync(join(far, 'hooks/post-receive'), 0o755);
    await pushBranch(ada, { name: 'topic', message: 'Change', files: { 'a.txt': 'a\n' } });
    await vi.waitFor(() => expect(existsSync(reached)).toBe(true), wait);
    const sent = await tipOf('refs/heads/topic');
    expect(sent).not.toBe('');
    await served.kill();
    // The push ended with the forge: the program that the remote ran for it is gone too.
    const hook = readFileSync(reached, 'utf8').trim();
    await vi.waitFor(() => expect(existsSync(`/proc/${hook}`)).toBe(false), wait);
    rmSync(hold);
    rmSync(join(far, 'hooks/post-receive'));
    await served.restart();
    // A forced push in place of what arrived unheard: were it taken for another's, it would be left as diverged.
    await ada.git('commit', '--quiet', '--amend', '-m', 'Changed');
    await ada.git('push', '--quiet', '--force', 'origin', 'topic');
    const head = (await ada.git('rev-parse', 'HEAD')).trim();
    await vi.waitFor(async () => expect(await tipOf('refs/heads/topic')).toBe(head), wait);
    const { syncs } = mirrorSyncsView.parse(await ask('GET', '/mirrors/there/syncs'));
    expect(syncs.map(({ state }) => state)).toContain('interrupted');

    await vi.waitFor(
      async () => expect(await ask('POST', '/branches/1/merge', { head })).toBeDefined(),
      wait,
    );
    await vi.waitFor(async () => {
      expect(await tipOf('refs/heads/topic')).toBe('');
      expect((await git('merge-base', '--is-ancestor', head, 'refs/heads/main')).trim()).toBe('');
    }, wait);
    await vi.waitFor(
      async () => expect(await mirror()).toMatchObject({ state: 'in-step', lag: { refs: 0 } }),
      wait,
    );
  },
);
