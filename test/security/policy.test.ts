import { expect, test } from 'vitest';
import { decidePush, type Push } from '../../src/branches/policy.ts';
import type { RefUpdate } from '../../src/git/push.ts';
import { listRefs, zeroOid } from '../../src/git/refs.ts';
import { findRepo } from '../../src/repos/find.ts';
import type { Repo } from '../../src/repos/model.ts';
import { putMember } from '../../src/repos/store.ts';
import { useForge, type TestForge } from '../support/forge.ts';
import { changeSettings } from '../../src/repos/change-settings.ts';
import { addProtection } from '../../src/repos/protect.ts';
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
  expect(many.stderr).toMatch(/at most 3 (refs )?are taken/i);
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

test('A4: a protected pattern takes no push, creation, force or deletion, and the refusal names the pattern and the way out', async () => {
  const it = await open();
  const { push, oid, repo } = await stage(it);
  await it.forge.git.run(['update-ref', 'refs/heads/release/1', oid], { repo: it.repoFolder(repo) });
  addProtection(it.forge, { repo, caller: push.caller, pattern: 'release/*' });
  const main = (await listRefs(it.forge.git, it.repoFolder(repo), ['refs/heads/'])).get('refs/heads/main')!;
  const refused = [
    { ref: 'refs/heads/release/1', oldOid: oid, newOid: main },
    { ref: 'refs/heads/release/1', oldOid: oid, newOid: zeroOid },
    create('refs/heads/release/2', oid),
  ];
  for (const update of refused) {
    const refusals = await decidePush(it.forge, { ...push, updates: [update] });
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toMatch(
      /^refs\/heads\/release\/[12]: it is protected by the pattern release\/\* and (takes no direct push|cannot be deleted)\. .*in the settings of ada\/app\.$/,
    );
  }
  const deeper = [create('refs/heads/release-notes', oid), create('refs/tags/release/2', oid)];
  expect(await decidePush(it.forge, { ...push, updates: deeper })).toEqual([]);
});

test('A4: a push is decided by the settings of now, not by those of when it was let in', async () => {
  const it = await open();
  const { push, oid, repo } = await stage(it);
  await changeSettings(it.forge, { repo, caller: push.caller, changes: { defaultBranch: 'topic' } });
  // `push.repo` still says that main is the default branch.
  const deletion = { ref: 'refs/heads/topic', oldOid: oid, newOid: zeroOid };
  expect(await decidePush(it.forge, { ...push, updates: [deletion] })).toEqual([
    'refs/heads/topic: the default branch of ada/app cannot be deleted. Make another branch the default one first.',
  ]);
});

test('A5: a name that git would refuse for itself alone, because it is a folder too, refuses the whole push', async () => {
  const it = await open();
  const server = await serveGit(it);
  const ada = await server.person('ada');
  const url = server.sshUrl('ada/app');
  await ada.commit('Start', { a: '1\n' });
  await ada.git('push', url, 'main', 'HEAD:refs/heads/topic/x');
  for (const [name, why] of [
    ['topic', 'it would be a folder too, because there is refs/heads/topic/x'],
    ['topic/x/y', 'it lies in refs/heads/topic/x, which is no folder'],
  ]) {
    const result = await ada.tryGit('push', url, 'HEAD:refs/heads/fine', `HEAD:refs/heads/${name}`);
    expect(result.stderr).toContain(`remote: refs/heads/${name}: ${why}. Choose another name.`);
    expect(await ada.git('ls-remote', url)).not.toContain('refs/heads/fine');
  }
  const both = await ada.tryGit('push', url, 'HEAD:refs/heads/new', 'HEAD:refs/heads/new/deep');
  expect(both.stderr).toContain('remote: refs/heads/new: it would be a folder too');
});

test('A3: one push cannot bring a branch and a tag of one name, or two names that differ by case', async () => {
  const it = await open();
  const { push, oid } = await stage(it);
  const pairs = [
    ['refs/heads/v1', 'refs/tags/v1'],
    ['refs/heads/Fix', 'refs/heads/fix'],
    ['refs/tags/V1', 'refs/tags/v1'],
  ];
  for (const pair of pairs) {
    const updates = pair.map((ref) => create(ref, oid));
    expect(await decidePush(it.forge, { ...push, updates }), pair.join()).toHaveLength(2);
  }
});

test('A4: notes are taken where a maintainer allows them, and are no way around the other rules', async () => {
  const it = await open();
  const server = await serveGit(it);
  const ada = await server.person('ada');
  const url = server.sshUrl('ada/app');
  await ada.commit('Start', { a: '1\n' });
  await ada.git('push', url, 'main');
  await ada.git('notes', 'add', '-m', 'Seen', 'HEAD');
  const refused = await ada.tryGit('push', url, 'refs/notes/commits');
  expect(refused.stderr).toContain('remote: refs/notes/commits: ada/app takes no notes. Ask a maintainer');
  const repo = findRepo(it.forge, 'ada', 'app')!;
  await changeSettings(it.forge, { repo, caller: ada.caller, changes: { takesNotes: true } });
  await ada.git('push', url, 'refs/notes/commits');
  expect(await ada.git('ls-remote', url)).toContain('refs/notes/commits');
  for (const name of ['refs/notes/-x', 'refs/notes/HEAD', `refs/notes/${'a'.repeat(40)}`]) {
    expect((await ada.tryGit('push', url, `refs/notes/commits:${name}`)).status, name).toBe(1);
  }
  const oid = await ada.git('rev-parse', 'refs/notes/commits');
  const ben = it.account('ben');
  putMember(it.forge.db, { repoId: repo.id, accountId: ben.account.id, role: 'write' });
  const updates = [{ ref: 'refs/notes/commits', oldOid: oid, newOid: zeroOid }];
  const push = { repo, caller: ben.caller, updates, quarantine: undefined };
  expect(await decidePush(it.forge, push)).toEqual([
    'refs/notes/commits: only a maintainer deletes notes. Push a commit that removes what should go, or ask one.',
  ]);
});

test('D4: a file name with a newline, an escape or bytes that are no text makes one plain line of its refusal', async () => {
  const it = await open({ settings: { limits: { maxFileBytes: 1000 } } });
  const server = await serveGit(it);
  const ada = await server.person('ada');
  const url = server.sshUrl('ada/app');
  await ada.commit('Start', { a: '1\n' });
  await ada.git('push', url, 'main');
  const names = ['x\nremote: accepted', 'tab\tand"quote', 'esc\u001b[31mred', 'caf\u00e9'];
  await ada.commit(
    'Odd',
    Object.fromEntries(names.map((name, place) => [name, String(place).repeat(1001 + place)])),
  );
  const result = await ada.tryGit('push', url, 'HEAD:refs/heads/odd');
  expect(result.status).toBe(1);
  const remote = result.stderr.split('\n').filter((line) => line.startsWith('remote: '));
  expect(remote).toHaveLength(names.length);
  for (const line of remote) {
    expect(line).toMatch(
      /^remote: refs\/heads\/odd: [\x20-\x7e]+ the file has 100\d bytes, but at most 1000 are taken\. Remove it from the commits, or keep it with Git LFS\.\s*$/,
    );
  }
});

test('HEAD resolves from the first push of any branch on, and a chosen default branch can still be pushed', async () => {
  const it = await open();
  const server = await serveGit(it);
  const ada = await server.person('ada');
  const clone = async (name: string, into: string): Promise<string> => {
    await ada.git('clone', '--quiet', server.sshUrl(name), into);
    return ada.git('-C', into, 'symbolic-ref', '--short', 'HEAD');
  };
  await ada.commit('Start', { a: '1\n' });
  await ada.git('push', server.sshUrl('ada/free'), 'HEAD:refs/heads/feature');
  expect(await clone('ada/free', 'free')).toBe('feature');
  expect(findRepo(it.forge, 'ada', 'free')).toMatchObject({ defaultBranch: 'feature' });

  await it.repo('ada/chosen', { defaultBranch: 'trunk' });
  const url = server.sshUrl('ada/chosen');
  await ada.git('push', url, 'HEAD:refs/heads/feature');
  expect(await clone('ada/chosen', 'before')).toBe('feature');
  expect(findRepo(it.forge, 'ada', 'chosen')).toMatchObject({ defaultBranch: 'trunk' });
  await ada.git('push', url, 'HEAD:refs/heads/trunk');
  expect(await clone('ada/chosen', 'after')).toBe('trunk');
  await ada.commit('More', { a: '2\n' });
  expect((await ada.tryGit('push', url, 'HEAD:refs/heads/trunk')).stderr).toContain('takes no direct push');
});
