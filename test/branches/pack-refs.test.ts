import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openBranches } from '../../src/branches/open.ts';
import { scanRepo } from '../../src/branches/scan.ts';
import { listRefs, updateRefs } from '../../src/git/refs.ts';
import { besideHousekeeping } from '../../src/repos/housekeeping.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge({ settings: { housekeeping: { maxLooseRefs: 10 } } });
const all = ['refs/heads/', 'refs/pika/'];

test('refs are packed once so many were pushed, also while a backup is made, and all stand where they stood', async () => {
  const it = await open();
  const repo = await it.repo('demo/app', { files: { a: 'a\n' } });
  const folder = it.repoFolder(repo);
  const branches = openBranches(it.forge);
  it.defer(() => branches.stop());
  const newOid = await pushFiles(it.forge.git, { repo: folder, branch: 'topic', files: { b: 'b\n' } });
  const push = async (count: number, name: string): Promise<void> => {
    const moves = Array.from({ length: count }, (_unused, turn) => ({
      ref: `refs/heads/${name}/${turn}`,
      newOid,
    }));
    await updateRefs(it.forge.git, folder, moves);
    await scanRepo(it.forge, repo);
  };
  const packed = join(folder, 'packed-refs');
  await push(4, 'few');
  await branches.stop();
  expect(existsSync(packed)).toBe(false);

  const again = openBranches(it.forge);
  it.defer(() => again.stop());
  await besideHousekeeping(it.forge, async () => {
    await push(6, 'many');
    await again.stop();
    expect(readFileSync(packed, 'utf8')).toContain('refs/heads/many/5\n');
  });
  expect(existsSync(join(folder, 'refs/heads/many/5'))).toBe(false);
  // The default branch, and eleven branches with their pins.
  expect(await listRefs(it.forge.git, folder, all)).toHaveProperty('size', 1 + 2 * 11);
});
