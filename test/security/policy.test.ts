import { expect, test } from 'vitest';
import { decidePush, type Push } from '../../src/branches/policy.ts';
import type { RefUpdate } from '../../src/git/push.ts';
import { listRefs, zeroOid } from '../../src/git/refs.ts';
import type { Repo } from '../../src/repos/model.ts';
import { useForge, type TestForge } from '../support/forge.ts';
import { serveGit } from '../support/git-server.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();

/** A repository with `main` and a branch `topic`, whose owner pushes. */
async function stage(it: TestForge): Promise<{ repo: Repo; oid: string; push: Push }> {
  const { caller } = it.account('ada');
  const repo = await it.repo('ada/app', { files: { a: '1\n' } });
  const path = it.repoFolder(repo);
  const oid = await pushFiles(it.forge.git, {
    repo: path,
    branch: 'topic',
    from: 'refs/heads/main',
    files: { b: '1\n' },
  });
  return { repo, oid, push: { repo, caller, updates: [], quarantine: undefined } };
}

const create = (ref: string, newOid: string): RefUpdate => ({ ref, oldOid: zeroOid, newOid });

test('A1, A3: names that are options, shell text, object ids or other refs are refused, one line each', async () => {
  const it = await open();
  const { push, oid } = await stage(it);
  const names = [
    'refs/heads/-x',
    'refs/heads/--upload-pack=id',
    'refs/heads/--output=x',
    'refs/heads/$(id)',
    'refs/heads/;id',
    'refs/heads/a|b',
    "refs/heads/a'b",
    'refs/heads/a"b',
    'refs/heads/<img src=x>',
    'refs/heads/a\u202Eb',
    'refs/heads/HEAD',
    'refs/heads/@',
    `refs/heads/${'a'.repeat(40)}`,
    `refs/heads/${'A'.repeat(64)}`,
    `refs/heads/${'a'.repeat(201)}`,
    'refs/heads/refs/heads/main',
    'refs/heads/a.lock',
    'refs/tags/main',
    'refs/tags/topic',
    'refs/tags/refs/heads/main',
    'refs/heads/TOPIC',
  ];
  for (const ref of names) {
    const refusals = await decidePush(it.forge, { ...push, updates: [create(ref, oid)] });
    expect(refusals, ref).toHaveLength(1);
    expect(refusals[0], ref).toMatch(/^[\x20-\x7e…]+$/);
  }
  const good = ['refs/heads/feature/a+b_c@d.e-1', 'refs/tags/v1.0'].map((ref) => create(ref, oid));
  expect(await decidePush(it.forge, { ...push, updates: good })).toEqual([]);
});

test('A4: refs outside of branches and tags are refused, and so is every change of the default branch', async () => {
  const it = await open();
  const { push, oid } = await stage(it);
  for (const ref of ['refs/pika/heads/1/1', 'refs/replace/x', 'refs/x', 'refs/heads']) {
    expect(await decidePush(it.forge, { ...push, updates: [create(ref, oid)] }), ref).toEqual([
      `${ref}: only branches (refs/heads/…) and tags (refs/tags/…) can be pushed. Push HEAD:refs/heads/NAME instead.`,
    ]);
  }
  const main = (await listRefs(it.forge.git, it.repoFolder(push.repo), ['refs/heads/main'])).get(
    'refs/heads/main',
  )!;
  const moves = [
    { ref: 'refs/heads/main', oldOid: main, newOid: oid },
    { ref: 'refs/heads/main', oldOid: main, newOid: zeroOid },
  ];
  for (const update of moves) {
    const [refusal] = await decidePush(it.forge, { ...push, updates: [update] });
    expect(refusal).toMatch(/^refs\/heads\/main: the default branch .+\./);
  }
});

test('A5: one refused ref refuses the whole push, with and without --atomic', async () => {
  const it = await open();
  const server = await serveGit(it);
  const ada = await server.person('ada');
  const url = server.sshUrl('ada/app');
  await ada.commit('Start', { a: '1\n' });
  await ada.git('push', url, 'main');
  await ada.commit('More', { a: '2\n' });
  for (const flags of [[], ['--atomic']]) {
    const result = await ada.tryGit('push', ...flags, url, 'HEAD:refs/heads/aaa', 'HEAD:refs/heads/main');
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('remote: refs/heads/main: the default branch takes no direct push');
    expect(await ada.git('ls-remote', url)).not.toContain('refs/heads/aaa');
  }
  const odd = await ada.tryGit(
    'push',
    url,
    'HEAD:refs/heads/--upload-pack=id',
    'HEAD:refs/notes/x',
    'HEAD:refs/heads/ok',
  );
  expect(odd.stderr).toContain('remote: refs/notes/x: ada/app takes no notes.');
  expect(odd.stderr).toContain('remote: refs/heads/--upload-pack=id: each part of a name starts with');
  expect(await ada.git('ls-remote', url)).not.toContain('refs/heads/ok');
});

test("A4: the forge's own refs cannot be pushed, and a push around the transport is refused", async () => {
  const it = await open();
  const server = await serveGit(it);
  const ada = await server.person('ada');
  const url = server.sshUrl('ada/app');
  await ada.commit('Start', { a: '1\n' });
  await ada.git('push', url, 'main');
  for (const ref of ['refs/pika/heads/9/9', 'refs/replace/x']) {
    expect((await ada.tryGit('push', url, `HEAD:${ref}`)).status, ref).toBe(1);
  }
  const direct = await it.forge.git
    .run(['-C', ada.checkout, 'push', '--quiet', it.repoFolder({ id: 1 } as Repo), 'HEAD:refs/heads/x'], {
      env: { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'protocol.file.allow', GIT_CONFIG_VALUE_0: 'always' },
    })
    .catch((error: unknown) => String((error as { stderr: string }).stderr));
  expect(direct).toContain('takes pushes only through the forge, over SSH or HTTP');
});

test('a tag that exists moves only by a maintainer, and a tag is deleted only by one', async () => {
  const it = await open();
  const { push, oid, repo } = await stage(it);
  await it.forge.git.run(['update-ref', 'refs/tags/v1', oid], { repo: it.repoFolder(repo) });
  const ben = it.account('ben');
  it.forge.db.run("INSERT INTO repo_members VALUES (:repo, :account, 'write')", {
    repo: repo.id,
    account: ben.account.id,
  });
  const updates = [{ ref: 'refs/tags/v1', oldOid: oid, newOid: zeroOid }];
  expect(await decidePush(it.forge, { ...push, caller: ben.caller, updates })).toHaveLength(1);
  expect(await decidePush(it.forge, { ...push, updates })).toEqual([]);
});

test('D2: too many refs, too large a file and too deep a folder are refused with the limit', async () => {
  const it = await open({ settings: { limits: { maxRefsPerPush: 3, maxFileBytes: 5000, maxPathDepth: 5 } } });
  const server = await serveGit(it);
  const ada = await server.person('ada');
  const url = server.sshUrl('ada/app');
  await ada.commit('Start', { 'ok.txt': 'x'.repeat(5000), 'a/b/c/d/ok': '1\n' });
  await ada.git('push', url, 'main');
  const names = ['a', 'b', 'c', 'd'].map((name) => `HEAD:refs/heads/${name}`);
  const many = await ada.tryGit('push', url, ...names);
  expect(many.stderr).toContain('remote: The push has 4 refs, but at most 3 are taken at once');
  await ada.commit('Large', { 'dir/big.bin': 'y'.repeat(5001) });
  const large = await ada.tryGit('push', url, 'HEAD:refs/heads/large');
  expect(large.stderr).toContain(
    'remote: refs/heads/large: dir/big.bin: the file has 5001 bytes, but at most 5000 are taken',
  );
  await ada.git('reset', '--quiet', '--hard', 'HEAD~');
  await ada.commit('Deep', { 'a/b/c/d/e/f/deep': '1\n' });
  const deep = await ada.tryGit('push', url, 'HEAD:refs/heads/deep');
  expect(deep.stderr).toContain('remote: refs/heads/deep: a/b/c/d/e: folders lie at most 4 deep');
  expect(await ada.git('ls-remote', '--heads', url)).toMatch(/^\w+\trefs\/heads\/main$/);
});

test('an agent does not force-push', async () => {
  const it = await open();
  const { push, oid, repo } = await stage(it);
  const other = await pushFiles(it.forge.git, {
    repo: it.repoFolder(repo),
    branch: 'other',
    files: { c: '1\n' },
  });
  const account = { ...push.caller.account!, kind: 'agent' as const };
  const updates = [{ ref: 'refs/heads/topic', oldOid: oid, newOid: other }];
  expect(await decidePush(it.forge, { ...push, updates })).toEqual([]);
  const caller = { ...push.caller, account };
  expect(await decidePush(it.forge, { ...push, caller, updates })).toEqual([
    'refs/heads/topic: an agent does not force-push. Add commits on top, or push a new branch.',
  ]);
});
