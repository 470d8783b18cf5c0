import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { quarantineEnvironment, surveyPush } from '../../src/git/incoming.ts';
import { listLoose } from '../../src/git/loose.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();
const options = { maxBytes: 1000, limit: 20 };

/** A quarantine with one pushed commit on top of what the repository has; a push of few objects is loose there. */
async function stage() {
  const it = await open();
  const files = { 'old/one': '1\n', 'old/deep/er/two': '2\n' };
  const repo = it.repoFolder(await it.repo('demo/app', { files }));
  const quarantine = join(repo, 'objects/incoming-test');
  mkdirSync(quarantine);
  const git = it.forge.git;
  const parent = await git.text(['rev-parse', 'refs/heads/main'], { repo });
  const env = quarantineEnvironment({ repo, quarantine });
  const write = (input: string | Buffer, type: string): Promise<string> =>
    git.text(['hash-object', '-w', '-t', type, '--literally', '--stdin'], { repo, env, input });
  const oldTree = await git.text(['rev-parse', `${parent}:old`], { repo });
  const [small, large] = [await write('small\n', 'blob'), await write('x'.repeat(5000), 'blob')];
  const entries: [string, string][] = [
    [`100644 large`, large],
    [`40000 old`, oldTree],
    [`100644 small`, small],
  ];
  const tree = await write(
    Buffer.concat(entries.flatMap(([name, oid]) => [Buffer.from(`${name}\0`), Buffer.from(oid, 'hex')])),
    'tree',
  );
  const who = 'Ada Example <ada@example.org> 1767225600 +0000';
  const commit = `tree ${tree}\nparent ${parent}\nauthor ${who}\ncommitter ${who}\n\nPush\n`;
  const head = await write(commit, 'commit');
  return { it, repo, quarantine, head, large, parent };
}

test('a push of loose objects and the same push as a pack are surveyed alike', async () => {
  const { it, repo, quarantine, head, large } = await stage();
  const incoming = { repo, quarantine, heads: [head] };
  const expected = {
    large: [{ oid: large, size: 5000, path: 'large' }],
    // large, small, old/one and old/deep/er/two
    extent: { files: 4, depth: 4 },
  };
  expect(listLoose(quarantine, 100)).toHaveLength(4);
  expect(await surveyPush(it.forge.git, incoming, options)).toEqual(expected);
  const input = `${(listLoose(quarantine, 100) ?? []).join('\n')}\n`;
  const env = { GIT_OBJECT_DIRECTORY: quarantine };
  mkdirSync(join(quarantine, 'pack'));
  await it.forge.git.run(['pack-objects', '-q', join(quarantine, 'pack/pack')], { repo, env, input });
  for (const name of readdirSync(quarantine)) {
    if (name !== 'pack') rmSync(join(quarantine, name), { recursive: true });
  }
  expect(listLoose(quarantine, 100)).toBe(undefined);
  expect(await surveyPush(it.forge.git, incoming, options)).toEqual(expected);
});

test('a push that brings only a name for what is there is measured too', async () => {
  const { it, repo, quarantine, parent } = await stage();
  rmSync(quarantine, { recursive: true });
  mkdirSync(quarantine);
  const deep = await pushFiles(it.forge.git, { repo, branch: 'deep', files: { 'a/b/c/d/e': 'e\n' } });
  const survey = await surveyPush(it.forge.git, { repo, quarantine, heads: [parent, deep] }, options);
  expect(survey).toEqual({ large: [], extent: { files: 2, depth: 5 } });
});
