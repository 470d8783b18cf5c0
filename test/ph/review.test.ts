import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createToken } from '../../src/accounts/create-token.ts';
import { generateTutorials } from '../../src/tutorials/desk.ts';
import { outlineWriter } from '../../src/tutorials/writers/outline.ts';
import { setMember } from '../../src/repos/members.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';
import type { ProgramResult } from '../support/run-program.ts';
import { atTerminal, type Terminal } from './at-terminal.ts';

const text = 'one\ntwo\nthree\n';
let testForge: TestForge;
let terminal: Terminal;
/** As somebody else than the author of the branch. */
let ben: (...args: string[]) => Promise<ProgramResult>;

beforeAll(async () => {
  testForge = await openTestForge();
  terminal = await atTerminal(testForge, { files: { 'src/new.txt': text } });
  const { staged, origin } = terminal;
  const { account } = testForge.account('ben');
  setMember(staged.forge, { repo: staged.repo, caller: staged.caller, account: 'ben', role: 'write' });
  const token = createToken(staged.forge, { accountId: account.id, scope: 'write' });
  ben = (...args) => terminal.phWith({ PH_URL: origin, PH_TOKEN: token }, ...args);
});
afterAll(() => testForge.dispose());

const about = ['--at', 'src/new.txt:2-3', '--message', 'Why \u001B[31mtwo?'];

test('ph comment writes, answers, settles and shows threads; ph review submits drafts with a verdict', async () => {
  const ada = terminal.ph;
  expect(await ben('comment', ...about)).toMatchObject({ status: 0, stderr: '' });
  expect(await ada('comment', '--reply', '1', '--message', 'So.')).toMatchObject({ status: 0 });
  // Nothing in it steers the terminal.
  const shown = '1 open src/new.txt:2-3\n  ben:\n    Why two?\n  ada:\n    So.\n\n';
  expect((await ben('comment', '--open')).stdout).toBe(shown);
  expect((await ben('comment', '--resolve', '1')).stdout).toBe('thread 1 is resolved\n');
  expect((await ben('comment', '--open')).stdout).toBe('no open thread\n');
  expect((await ben('review')).stdout).toBe(
    'nobody has decided yet\n0 of 1 threads open; read them: ph comment --open\n',
  );
  const draft = await ben('comment', '--draft', '--at', 'src/new.txt', '--message', 'Later.', '--json');
  expect(JSON.parse(draft.stdout)).toMatchObject({ kind: 'file', comments: [{ state: 'draft' }] });
  expect((await ben('review')).stdout).toContain('1 of your comments wait');
  expect((await ada('comment')).stdout).not.toContain('Later.');
  const own = await ada('review', '--approve');
  expect(own.stdout).toMatch(/^reviewed work #1 at [0-9a-f]{8}\nThis is an approval of own work/);
  expect((await ben('review', '--changes', '--message', 'Not yet.')).status).toBe(0);
  expect((await ada('comment')).stdout).toContain('Later.');
  expect((await ada('review')).stdout).toMatch(/^ben asks for changes\n1 of 2 threads open/);
  expect((await ben('review', '--approve')).stdout).toMatch(/^approved work #1/);
  const since = JSON.parse((await ben('diff', '--since-review', '--json')).stdout) as unknown;
  const file = { path: 'src/new.txt', label: 'unchanged', conflict: false, diff: null };
  expect(since).toMatchObject({ since: 1, revision: 1, files: expect.arrayContaining([file]) });
  expect(await ada('diff', '--since-review', '--revision', '1')).toMatchObject({ status: 0, stdout: '' });
});

test('what is no thread, place, verdict or head is refused, each with its exit status', async () => {
  const refusals: [number, string[]][] = [
    [4, ['comment', '--resolve', '99']],
    [2, ['comment', '--resolve', 'x']],
    [2, ['comment', '--at', 'src/new.txt:9', '--message', 'x']],
    [2, ['comment', '--reply', '1']],
    [2, ['review', '--approve', '--changes']],
    [2, ['review', '--message', 'Hm']],
    [5, ['review', '--approve', '--head', 'a'.repeat(40)]],
  ];
  for (const [status, args] of refusals) {
    expect(await ben(...args), args.join(' ')).toMatchObject({ status, stdout: '' });
  }
});

test('ph diff prints a patch that git can apply, and the changed files; ph tutorial its steps', async () => {
  const { client, staged } = terminal;
  const { stdout } = await ben('diff');
  expect(stdout).toContain('+++ b/src/new.txt\n@@ -0,0 +1,3 @@\n+one\n');
  const patch = join(client.home, 'a.patch');
  writeFileSync(patch, stdout);
  expect(await client.git('apply', '--numstat', patch)).toContain('3\t0\tsrc/new.txt');
  expect((await ben('diff', '--stat')).stdout).toContain('added  +3  -0  src/new.txt\n');
  expect(await ben('diff', '--revision', '7')).toMatchObject({ status: 4 });
  const since = await ben('diff', '--since', '1', '--stat');
  expect(since.stdout).toMatch(/^From revision 1 to revision 1:\n/);
  expect(since.stdout).toContain('unchanged  src/new.txt\n');
  expect(await ben('diff', '--since', 'x')).toMatchObject({ status: 2 });
  expect((await ben('tutorial')).stdout).toMatch(/tutorial none; read the change with: ph diff/);
  await generateTutorials(staged.forge, outlineWriter);
  expect((await ben('tutorial')).stdout).toMatch(/1\. .*\n/);
});
