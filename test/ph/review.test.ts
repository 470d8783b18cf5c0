import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createToken } from '../../src/accounts/create-token.ts';
import { generateTutorials } from '../../src/tutorials/generate.ts';
import { outlineWriter } from '../../src/tutorials/outline.ts';
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

test('ph comment writes on lines, answers, settles and shows threads, without what would steer a terminal', async () => {
  const about = ['--at', 'src/new.txt:2-3', '--message', 'Why \u001B[31mtwo?'];
  expect(await ben('comment', ...about)).toMatchObject({ status: 0, stderr: '' });
  expect(await terminal.ph('comment', '--reply', '1', '--message', 'So.')).toMatchObject({ status: 0 });
  const shown = await ben('comment', '--open');
  expect(shown.stdout).toBe('1 open src/new.txt:2-3\n  ben:\n    Why two?\n  ada:\n    So.\n\n');
  expect((await ben('comment', '--resolve', '1')).stdout).toBe('thread 1 is resolved\n');
  expect((await ben('comment', '--open')).stdout).toBe('no open thread\n');
  expect((await ben('comment', '--unresolve', '1')).stdout).toBe('thread 1 is open\n');
  expect(await ben('comment', '--resolve', '99')).toMatchObject({ status: 4 });
  expect(await ben('comment', '--at', 'src/new.txt:9', '--message', 'x')).toMatchObject({ status: 2 });
  expect(await ben('comment', '--reply', '1')).toMatchObject({ status: 2 });
  const whole = JSON.parse((await ben('comment', '--json')).stdout) as { threads: { comments: unknown[] }[] };
  expect(whole.threads[0]?.comments).toHaveLength(2);
});

test('ph review submits drafts with a verdict, tells that one’s own approval does not count, and shows what stands', async () => {
  expect((await terminal.ph('review')).stdout).toContain('nobody has decided yet');
  const draft = await ben('comment', '--draft', '--at', 'src/new.txt', '--message', 'Later.');
  expect(draft.stdout).toMatch(/^kept as a draft: thread \d+ http/);
  expect((await ben('review')).stdout).toContain('1 of your comments wait');
  expect((await terminal.ph('comment')).stdout).not.toContain('Later.');
  const own = await terminal.ph('review', '--approve');
  expect(own.stdout).toMatch(/^reviewed work #1 at [0-9a-f]{8}\nThis is an approval of own work/);
  expect((await ben('review', '--changes', '--message', 'Not yet.')).status).toBe(0);
  expect((await terminal.ph('comment')).stdout).toContain('Later.');
  expect((await terminal.ph('review')).stdout).toMatch(/^ben asks for changes\n2 of 2 threads open/);
  expect((await ben('review', '--approve')).stdout).toMatch(/^approved work #1/);
  expect(await ben('review', '--approve', '--changes')).toMatchObject({ status: 2 });
  expect(await ben('review', '--message', 'Hm')).toMatchObject({ status: 2 });
  expect(await ben('review', '--approve', '--head', 'a'.repeat(40))).toMatchObject({ status: 5 });
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
  expect((await ben('tutorial')).stdout).toMatch(/tutorial none; read the change with: ph diff/);
  await generateTutorials(staged.forge, outlineWriter);
  expect((await ben('tutorial')).stdout).toMatch(/1\. .*\n/);
});
