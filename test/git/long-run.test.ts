import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runLong } from '../../src/git/long-run.ts';
import type { Git } from '../../src/git/run.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();

async function openRepo(): Promise<{ git: Git; repo: string }> {
  const testForge = await open();
  return { git: testForge.forge.git, repo: testForge.repoFolder(await testForge.repo('demo/app')) };
}

test('a git that runs long is ended with everything it started when the forge stops or its time is over', async () => {
  const { git, repo } = await openRepo();
  // An alias is a shell that git starts: what would go on if only git itself were ended.
  const args = ['-c', 'alias.long=!sleep 60', 'long'];
  const stop = new AbortController();
  const aborted = runLong(git, args, { repo, timeoutMs: 20_000, signal: stop.signal });
  void delay(50).then(() => stop.abort());
  await expect(aborted).rejects.toThrow('The forge stops.');
  await expect(runLong(git, args, { repo, timeoutMs: 50 })).rejects.toThrow(/took too long and was stopped/);
});

test('a git that runs long gives way to all others, though it leads a session of its own', async () => {
  const { git, repo } = await openRepo();
  // sched(7): by sessions the processors are divided first, where the kernel does that.
  const own = '/proc/self/autogroup';
  const group = `if test -e ${own}; then until grep -q "nice 10$" ${own}; do sleep 0.05; done; cat ${own}; fi`;
  const { said } = await runLong(git, ['-c', `alias.long=!nice; ${group}`, 'long'], {
    repo,
    timeoutMs: 20_000,
  });
  expect(said).toMatch(existsSync(own) ? /^10\n\/autogroup-\d+ nice 10\n$/ : /^10\n$/);
});

test('a git that runs long says what was wrong', async () => {
  const { git, repo } = await openRepo();
  await expect(runLong(git, ['repack', '--frobnicate'], { repo, timeoutMs: 20_000 })).rejects.toMatchObject({
    exitCode: 129,
    stderr: expect.stringContaining('frobnicate'),
  });
});
