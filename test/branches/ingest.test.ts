import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findBranch, findOpenBranch, listRevisions } from '../../src/branches/find.ts';
import { ingestSpool } from '../../src/branches/ingest.ts';
import { openBranches } from '../../src/branches/open.ts';
import { scanRepo } from '../../src/branches/scan.ts';
import { updateRefs, zeroOid } from '../../src/git/refs.ts';
import type { Repo } from '../../src/repos/model.ts';
import { useForge, type TestForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();

async function stage() {
  const it = await open();
  const { account } = it.account('ada');
  const repo = await it.repo('ada/app', { files: { a: '1\n' } });
  const path = it.repoFolder(repo);
  const commit = (content: string): Promise<string> =>
    pushFiles(it.forge.git, {
      repo: path,
      branch: 'scratch',
      from: 'refs/heads/main',
      files: { b: content },
    });
  const [one, two, three] = [await commit('1\n'), await commit('2\n'), await commit('3\n')];
  await updateRefs(it.forge.git, path, [{ ref: 'refs/heads/scratch', newOid: zeroOid }]);
  const move = (newOid: string) => updateRefs(it.forge.git, path, [{ ref: 'refs/heads/topic', newOid }]);
  return { it, account, repo, one, two, three, move };
}

let clock = 1_000;

/** A spool file as hooks/post-receive writes it. */
function spool(it: TestForge, push: { id: string; repo: Repo; actor: number; lines: string[] }): string {
  const file = join(it.forge.config.paths.spool, push.id);
  writeFileSync(file, `repo ${push.repo.id}\nactor ${push.actor}\n${push.lines.join('\n')}\n`);
  clock += 1;
  utimesSync(file, clock, clock);
  return file;
}

const line = (oldOid: string, newOid: string): string => `${oldOid} ${newOid} refs/heads/topic`;

test('pushes that waited while the forge was down are read in their order: A, B, A, C are four revisions', async () => {
  const { it, account, repo, one, two, three, move } = await stage();
  const common = { repo, actor: account.id };
  // The names sort the other way round: only the time of the file counts.
  spool(it, { ...common, id: 'zzzzzzzz-1', lines: [line(zeroOid, one)] });
  spool(it, { ...common, id: 'mmmmmmmm-2', lines: [line(one, two)] });
  spool(it, { ...common, id: 'cccccccc-3', lines: [line(two, one)] });
  spool(it, { ...common, id: 'aaaaaaaa-4', lines: [line(one, three)] });
  await move(three);
  const branches = openBranches(it.forge);
  const pushed = it.forge.events.next('branch-pushed', ({ revision }) => revision === 4);
  branches.start();
  await pushed;
  await branches.stop();
  const branch = findOpenBranch(it.forge, repo.id, 'topic')!;
  expect(branch).toMatchObject({ number: 1, revision: 4, headOid: three, authorName: 'ada' });
  expect(listRevisions(it.forge, branch.id).map((revision) => revision.headOid)).toEqual([
    one,
    two,
    one,
    three,
  ]);
  expect(readdirSync(it.forge.config.paths.spool)).toEqual([]);
});

test('a push that is read twice changes nothing the second time', async () => {
  const { it, account, repo, one, move } = await stage();
  await move(one);
  const push = { id: 'push-0001', repo, actor: account.id, lines: [line(zeroOid, one)] };
  spool(it, push);
  expect((await ingestSpool(it.forge)).get('push-0001')?.[0]).toContain('Branch #1: ');
  // The forge died after the rows and before the file was removed.
  const file = spool(it, push);
  await ingestSpool(it.forge);
  expect(existsSync(file)).toBe(false);
  // It died before the push was noted as read.
  spool(it, { ...push, id: 'push-0001-again' });
  await ingestSpool(it.forge);
  expect(findOpenBranch(it.forge, repo.id, 'topic')).toMatchObject({ number: 1, revision: 1 });
});

test('a push that the scan saw first still gets the name of the one who pushed', async () => {
  const { it, account, repo, one, move } = await stage();
  await move(one);
  await scanRepo(it.forge, repo);
  spool(it, { id: 'push-0001', repo, actor: account.id, lines: [line(zeroOid, one)] });
  await ingestSpool(it.forge);
  const branch = findOpenBranch(it.forge, repo.id, 'topic')!;
  expect(branch).toMatchObject({ revision: 1, authorName: 'ada' });
  expect(listRevisions(it.forge, branch.id)).toMatchObject([{ pushedByName: 'ada' }]);
});

test('a push that a later one has overtaken does not bring the old head back', async () => {
  const { it, account, repo, one, two, move } = await stage();
  await move(two);
  await scanRepo(it.forge, repo);
  spool(it, { id: 'push-0001', repo, actor: account.id, lines: [line(zeroOid, one)] });
  spool(it, { id: 'push-0002', repo, actor: account.id, lines: [line(one, two)] });
  await ingestSpool(it.forge);
  expect(findOpenBranch(it.forge, repo.id, 'topic')).toMatchObject({
    headOid: two,
    revision: 1,
    authorName: 'ada',
  });
});

test('a name that was deleted and pushed again is a new branch', async () => {
  const { it, account, repo, one, two, move } = await stage();
  const common = { repo, actor: account.id };
  spool(it, { ...common, id: 'push-0001', lines: [line(zeroOid, one)] });
  spool(it, { ...common, id: 'push-0002', lines: [line(one, zeroOid)] });
  spool(it, { ...common, id: 'push-0003', lines: [line(zeroOid, two)] });
  await move(two);
  await ingestSpool(it.forge);
  expect(findBranch(it.forge, repo.id, 1)).toMatchObject({
    state: 'closed',
    headOid: one,
    settledByName: 'ada',
  });
  expect(findBranch(it.forge, repo.id, 2)).toMatchObject({ state: 'open', headOid: two });
});

test('a file that is no push is put aside, and the ones behind it are read', async () => {
  const { it, account, repo, one, move } = await stage();
  const { spool: folder } = it.forge.config.paths;
  writeFileSync(join(folder, 'aaaaaaaa-0'), 'nonsense\n');
  writeFileSync(join(folder, 'aaaaaaaa-1.tmp'), 'half a fi');
  await move(one);
  spool(it, { id: 'push-0001', repo, actor: account.id, lines: [line(zeroOid, one)] });
  await ingestSpool(it.forge);
  expect(findOpenBranch(it.forge, repo.id, 'topic')).toMatchObject({ headOid: one });
  expect(readdirSync(folder).sort()).toEqual(['aaaaaaaa-0.unreadable', 'aaaaaaaa-1.tmp']);
});
