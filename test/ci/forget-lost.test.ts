import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { getAttempt } from '../../src/ci/find.ts';
import { forgetLostYield } from '../../src/ci/lanes/forget-lost.ts';
import { readLog } from '../../src/ci/logs/log.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { makeRun } from '../retention/made-days.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();

test('what a backup left out is said to be gone after its restore, and what it had is not', async () => {
  const it = await open({ clock: new SettableClock() });
  const repo = await it.repo('demo/app');
  const [whole, bare] = [makeRun(it, repo), makeRun(it, repo)];
  for (const part of ['log', 'artifacts']) rmSync(join(bare.folder, part), { recursive: true });
  expect(forgetLostYield(it.forge)).toEqual({ caches: 0, folders: 0, artifacts: 1, logs: 1 });
  const read = ({ attemptId }: { attemptId: number }) =>
    readLog(it.forge, getAttempt(it.forge, attemptId), { from: 0, maxBytes: 1000 });
  expect((await read(whole)).size).toBe(100);
  await expect(read(bare)).rejects.toThrow(/log of this attempt is not kept any more/);
  expect(forgetLostYield(it.forge)).toEqual({ caches: 0, folders: 0, artifacts: 0, logs: 0 });
});
