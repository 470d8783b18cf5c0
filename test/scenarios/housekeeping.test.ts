// The housekeeping of a served forge: asked for by its operator, and killed at bad moments.
import { existsSync, mkdtempSync, readdirSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { findLeftovers } from '../support/leftovers.ts';
import type { GitClient } from '../support/git-client.ts';
import { outputOf } from '../support/run-program.ts';
import { useServedForge, type ServedForge } from '../support/serve.ts';

const startForge = useServedForge();
afterEach(() => void vi.unstubAllEnvs());

/** Pushes main, and a branch that is pushed over twice: its first two heads are in the pins alone. */
async function pushProject(served: ServedForge, ada: GitClient): Promise<string[]> {
  const files = Object.fromEntries(
    Array.from({ length: 300 }, (_, index) => [
      `src/${index % 20}/file-${index}.txt`,
      `${index}\n`.repeat(50),
    ]),
  );
  await ada.commit('First', files);
  await ada.git('remote', 'add', 'origin', `ssh://git@127.0.0.1:${served.sshPort}/ada/app.git`);
  await ada.git('push', '--quiet', 'origin', 'main');
  const heads: string[] = [];
  for (const text of ['one', 'two', 'three']) {
    await ada.git('switch', '--quiet', '--force-create', 'topic', 'main');
    heads.push(await ada.commit(text, { 'topic.txt': text }));
    await ada.git('push', '--quiet', '--force', 'origin', 'topic');
  }
  return heads;
}

/** Resolves when something in the folder is written. */
async function firstChange(folder: string): Promise<void> {
  const changed = Promise.withResolvers<void>();
  const watcher = watch(folder, { recursive: true }, () => changed.resolve());
  await changed.promise;
  watcher.close();
}

async function expectSound(served: ServedForge): Promise<void> {
  const { stdout } = await served.operate('doctor', '--json');
  const { findings } = JSON.parse(stdout) as { findings: { level: string; what: string }[] };
  expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);
}

test(
  'the operator asks for it, running or not, and every reviewed head is still there',
  { timeout: 240_000 },
  async () => {
    const served = await startForge();
    const ada = await served.person('ada', 'admin');
    const heads = await pushProject(served, ada);
    const kept = await served.operate('housekeeping', 'ada/app');
    expect(kept).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^ada\/app: pack refs .*, repack .*loose objects \d+ → 0/),
    });
    await served.stop();
    const again = await served.operate('housekeeping', '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({
      ok: true,
      repos: [{ repo: 'ada/app', outcome: 'kept', state: 'done' }],
    });
    expect(await served.operate('housekeeping', 'ada/nothing')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('ada/nothing'),
    });
    await served.restart();
    for (const head of heads) await ada.git('fetch', '--quiet', '--refetch', 'origin', head);
    await ada.git('push', '--quiet', 'origin', 'topic:other');
    await expectSound(served);
  },
);

test('pushes go on while it runs, and none of them is lost', { timeout: 240_000 }, async () => {
  const served = await startForge();
  const ada = await served.person('ada', 'admin');
  await pushProject(served, ada);
  const pushing = new AbortController();
  const keep = async (): Promise<number> => {
    let kept = 0;
    while (!pushing.signal.aborted) {
      const { status } = await served.operate('housekeeping', 'ada/app');
      if (status === 0) kept += 1;
    }
    return kept;
  };
  const keeping = keep();
  const pushed: string[] = [];
  for (let index = 0; index < 8; index += 1) {
    await ada.git('switch', '--quiet', '--force-create', 'work', 'main');
    pushed.push(await ada.commit(`${index}`, { [`${index}.txt`]: `${index}\n` }));
    await ada.git('push', '--quiet', '--force', 'origin', 'work');
  }
  pushing.abort();
  expect(await keeping).toBeGreaterThan(0);
  for (const oid of pushed) await ada.git('fetch', '--quiet', '--refetch', 'origin', oid);
  await expectSound(served);
});

test('a git of the housekeeping does not outlive a forge that is killed', { timeout: 240_000 }, async () => {
  const programs = mkdtempSync(join(tmpdir(), 'pika-slow-git-'));
  onTestFinished(() => rmSync(programs, { recursive: true }));
  const real = await outputOf(['sh', '-c', 'command -v git'], {
    cwd: programs,
    env: { PATH: process.env['PATH'] ?? '' },
  });
  // A git that takes long over a repack, and has another program do it, as the real one does.
  const armed = join(programs, 'armed');
  const begun = join(programs, 'begun');
  const slow = `case " $* " in *" repack "*) test -e ${armed} && { : >${begun}; sleep 600; } ;; esac`;
  writeFileSync(join(programs, 'git'), `#!/bin/sh\n${slow}\nexec ${real} "$@"\n`, { mode: 0o755 });
  vi.stubEnv('PATH', `${programs}:${process.env['PATH']}`);
  const served = await startForge();
  const ada = await served.person('ada', 'admin');
  await pushProject(served, ada);
  writeFileSync(armed, '');
  const asked = served.operate('housekeeping', 'ada/app');
  await expect.poll(() => existsSync(begun), { timeout: 20_000 }).toBe(true);
  await served.kill();
  await asked;
  expect(await findLeftovers(served.folder)).toEqual([]);
  rmSync(armed);
  await served.restart();
  await expectSound(served);
});

test('doctor says what is wrong and mends it, running or not', { timeout: 240_000 }, async () => {
  const served = await startForge();
  const ada = await served.person('ada', 'admin');
  await pushProject(served, ada);
  const repo = join(served.data, 'repos/1.git');
  const env = { ...ada.env, GIT_DIR: repo };
  const git = (...args: string[]): Promise<string> => outputOf(['git', ...args], { cwd: repo, env });
  for (const running of [true, false]) {
    if (!running) await served.stop();
    await git('update-ref', '-d', 'refs/pika/heads/1/1');
    await git('update-ref', `refs/heads/unseen-${running}`, 'refs/pika/heads/1/2');
    const found = await served.operate('doctor');
    expect(found).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('has no pin refs/pika/heads/1/1'),
    });
    expect(found.stdout).toContain(`the branch unseen-${running} has no row`);
    const mended = await served.operate('doctor', '--mend');
    expect(mended.stdout).toMatch(/^mended .* has no pin refs\/pika\/heads\/1\/1$/m);
    await expectSound(served);
  }
  await git('update-ref', 'refs/pika/heads/1/3', 'refs/pika/heads/1/1');
  rmSync(join(repo, 'HEAD'));
  expect(await served.operate('doctor')).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(/^ERROR .*no repository/m),
  });
  expect(await served.operate('doctor', '--mend')).toMatchObject({ status: 0 });
  await expectSound(served);
});

test(
  'killed at any moment, the repository is whole, and the next housekeeping does its work',
  { timeout: 240_000 },
  async () => {
    const served = await startForge();
    const ada = await served.person('ada', 'admin');
    const heads = await pushProject(served, ada);
    const repo = join(served.data, 'repos/1.git');
    for (const milliseconds of [0, 15, 50, 150]) {
      const touched = firstChange(repo);
      const asked = served.operate('housekeeping', 'ada/app');
      await touched;
      await delay(milliseconds);
      await served.kill();
      await asked;
      await served.restart();
      await ada.git('push', '--quiet', 'origin', `HEAD:refs/heads/after-${milliseconds}`);
      await expectSound(served);
    }
    expect(await served.operate('housekeeping', 'ada/app')).toMatchObject({ status: 0 });
    for (const head of heads) await ada.git('fetch', '--quiet', '--refetch', 'origin', head);
    const packs = readdirSync(join(repo, 'objects/pack'));
    expect(packs.filter((name) => name.startsWith('.tmp-') || name.endsWith('.lock'))).toEqual([]);
    expect(packs).toContain('multi-pack-index');
  },
);
