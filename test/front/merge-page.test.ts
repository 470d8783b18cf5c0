// The page on which a branch is merged otherwise than usual, aimed elsewhere, taken back or had again.
import { expect, test } from 'vitest';
import { getBranch, listBranches } from '../../src/branches/find.ts';
import { mergeBranch } from '../../src/landing/merge/merge.ts';
import { stageBranch } from '../landing/staged-branch.ts';
import { useForge } from '../support/forge.ts';
import { serveFront } from './serve-front.ts';

const open = useForge();
const page = '/ada/app/branches/1';

test('offers the methods with the usual message, and merges by what was chosen', async () => {
  const { staged, forge, ada } = await serveFront(await open());
  const branch = await stageBranch(staged, { message: 'Build it\n\nBrick by brick.' });
  expect((await ada(page)).html).toContain(`href="${page}/merge"`);
  const { html } = await ada(`${page}/merge`);
  expect(html).toContain('value="squash"');
  expect(html).toContain('Merge branch &#39;work&#39; (#1): Do the work</textarea>');
  const usual = "Merge branch 'work' (#1): Do the work";
  const form = { head: branch.headOid, method: 'squash', message: usual, usual };
  expect(await ada(`${page}/merge`, form)).toMatchObject({ status: 303, to: page });
  const { mergeOid } = getBranch(forge, branch.id);
  expect(await staged.text('show', '-s', '--format=%B', mergeOid!)).toBe(
    'Do the work (#1)\n\nBrick by brick.\n',
  );
});

test('a written message lands with the lines of a form made those of a message', async () => {
  const { staged, forge, ada } = await serveFront(await open());
  const branch = await stageBranch(staged);
  const form = { head: branch.headOid, method: 'merge', message: 'One\r\n\r\nTwo', usual: 'Usual' };
  await ada(`${page}/merge`, form);
  expect(await staged.text('show', '-s', '--format=%B', getBranch(forge, branch.id).mergeOid!)).toBe(
    'One\n\nTwo\n',
  );
});

test('a refused merge keeps what was typed and says why', async () => {
  const { staged, ada } = await serveFront(await open());
  const branch = await stageBranch(staged, { lane: 'failed' });
  const form = { head: branch.headOid, method: 'squash', message: 'My words', usual: 'Usual' };
  const { status, html } = await ada(`${page}/merge`, form);
  expect(status).toBe(409);
  expect(html).toContain('My words</textarea>');
  expect(html).toContain('role="alert"');
  expect(html).toContain('The lane unit failed.');
  expect(html).toMatch(/value="squash" checked/);
});

test('only who maintains the repository is offered the way past the gate, and needs a reason', async () => {
  const { staged, forge, testForge, ada, as } = await serveFront(await open());
  const branch = await stageBranch(staged, { lane: 'failed' });
  const { account } = testForge.account('ben');
  forge.db.run(`INSERT INTO repo_members (repo_id, account_id, role) VALUES (:repo, :account, 'write')`, {
    repo: staged.repo.id,
    account: account.id,
  });
  expect((await as(account)(`${page}/merge`)).html).not.toContain('Merge past the gate');
  expect((await ada(`${page}/merge`)).html).toContain('Merge past the gate');
  const form = { head: branch.headOid, message: '', usual: '', force: 'yes', reason: '' };
  expect(await as(account)(`${page}/merge`, { ...form, reason: 'x' })).toMatchObject({ status: 403 });
  const mute = await ada(`${page}/merge`, form);
  expect([mute.status, mute.html.includes('needs a reason')]).toEqual([400, true]);
  expect(await ada(`${page}/merge`, { ...form, reason: 'Urgent.' })).toMatchObject({ status: 303 });
  expect(getBranch(forge, branch.id).state).toBe('merged');
});

test('a branch is aimed elsewhere, and a bad target is told beside what was typed', async () => {
  const { staged, forge, ada } = await serveFront(await open());
  const branch = await stageBranch(staged);
  await staged.text('update-ref', 'refs/heads/release', (await staged.tip('refs/heads/main'))!);
  expect((await ada(`${page}/merge`)).html).toContain('<option value="release">');
  const bad = await ada(`${page}/retarget`, { target: 'nowhere' });
  expect(bad.status).toBe(400);
  expect(bad.html).toContain('There is no branch nowhere');
  expect(bad.html).toContain('value="nowhere"');
  expect(await ada(`${page}/retarget`, { target: 'release' })).toMatchObject({ status: 303, to: page });
  expect(getBranch(forge, branch.id).target).toBe('release');
});

test('a merged branch is taken back and had again, each as a new branch whose page follows', async () => {
  const { staged, forge, ada } = await serveFront(await open());
  const branch = await stageBranch(staged);
  await mergeBranch(forge, { ...staged, branch, expectedHead: branch.headOid });
  expect((await ada(page)).html).toContain('Revert or restore');
  expect((await ada(`${page}/merge`)).html).toContain('Take it back');
  expect(await ada(`${page}/revert`, { reason: '' })).toMatchObject({ to: '/ada/app/branches/2' });
  expect(await ada(`${page}/restore`, {})).toMatchObject({ to: '/ada/app/branches/3' });
  const names = listBranches(forge, { repoId: staged.repo.id, limit: 9 }).map(({ name }) => name);
  expect(names).toEqual(['work', 'revert-1', 'work']);
});

test('who may only read sees what holds the branch and no form; strangers see nothing', async () => {
  const { staged, forge, testForge, as } = await serveFront(await open());
  await stageBranch(staged, { lane: 'failed' });
  forge.db.run(`UPDATE repos SET visibility = 'public'`);
  const { html } = await as(testForge.account('eve').account)(`${page}/merge`);
  expect(html).toContain('The lane unit failed.');
  expect(html).not.toContain('<form class="stack"');
  forge.db.run(`UPDATE repos SET visibility = 'private'`);
  expect((await as(testForge.account('mallory').account)(`${page}/merge`)).status).toBe(404);
});
