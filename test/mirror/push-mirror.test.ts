// What a sync does to a remote, against real repositories of git with hooks of their own.
import { describe, expect, test } from 'vitest';
import { updateRefs } from '../../src/git/refs.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { lagOf } from '../../src/mirror/find.ts';
import { redactor } from '../../src/lib/redact.ts';
import { overwriteRef } from '../../src/mirror/overwrite.ts';
import { readPushReport } from '../../src/mirror/push-report.ts';
import { removeMirror } from '../../src/mirror/set-mirror.ts';
import { useForge } from '../support/forge.ts';
import { mirrorSettings, stageMirror } from './stage-mirror.ts';

const open = useForge();

async function stage(settings: Record<string, unknown> = {}) {
  const clock = new SettableClock();
  const it = await open({ clock, settings: { mirror: { ...mirrorSettings.mirror, ...settings } } });
  return stageMirror(it, clock);
}

describe('a remote that takes everything', () => {
  test('has the branches and tags that the patterns choose, and nothing hidden', async () => {
    const { far, add, push, git, tell, mirror, syncs } = await stage();
    const main = await git('rev-parse', 'refs/heads/main');
    const topic = await push('topic', '1');
    await push('wip/own', '1');
    await git('tag', '-a', '-m', 'one', 'v1', main);
    await git('update-ref', 'refs/pika/heads/1', main);
    const there = await far('there');
    add('there', there.folder, { patterns: ['refs/heads/**', 'refs/tags/**', '!refs/heads/wip/**'] });
    await tell();
    const tag = await git('rev-parse', 'refs/tags/v1');
    expect(await there.refs()).toEqual({
      'refs/heads/main': main,
      'refs/heads/topic': topic,
      'refs/tags/v1': tag,
    });
    expect(mirror('there')).toMatchObject({ isAtomic: true, failures: 0, problem: undefined });
    expect(syncs('there').at(-1)).toMatchObject({ state: 'done', pushed: 3, refused: 0, diverged: 0 });
  });

  test('follows a forced push and a deletion, and stays as it is when nothing changed', async () => {
    const { far, add, push, git, tell, syncs, row } = await stage();
    const main = await git('rev-parse', 'refs/heads/main');
    await push('topic', '1', main);
    await push('gone', '1', main);
    const there = await far('there');
    add('there', there.folder);
    await tell();
    const forced = await push('topic', 'another', main);
    await git('update-ref', '-d', 'refs/heads/gone');
    await tell();
    expect(await there.refs()).toEqual({ 'refs/heads/main': main, 'refs/heads/topic': forced });
    expect(row('there', 'refs/heads/gone')).toBeUndefined();
    await tell();
    expect(syncs('there').map(({ state, pushed, deleted }) => [state, pushed, deleted])).toEqual([
      ['done', 0, 0],
      ['done', 1, 1],
      ['done', 3, 0],
    ]);
  });

  test('that has lost everything is filled anew', async () => {
    const { far, add, git, tell } = await stage();
    const main = await git('rev-parse', 'refs/heads/main');
    const there = await far('there');
    add('there', there.folder);
    await tell();
    there.vanish();
    const again = await far('there');
    await tell();
    expect(await again.refs()).toEqual({ 'refs/heads/main': main });
  });

  test('gets more than one command line takes in several pushes', async () => {
    const { far, add, git, tell, syncs } = await stage({ maxCommandBytes: 700 });
    const main = await git('rev-parse', 'refs/heads/main');
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) await git('branch', name, main);
    const there = await far('there');
    add('there', there.folder);
    await tell();
    expect(Object.keys(await there.refs())).toHaveLength(9);
    expect(syncs('there')[0]).toMatchObject({ state: 'done', pushed: 9 });
  });
});

describe('a ref that somebody moved at the remote', () => {
  test('is reported as diverged and left, while the others follow', async () => {
    const { forge, far, add, push, git, tell, row, syncs, mirror } = await stage();
    const main = await git('rev-parse', 'refs/heads/main');
    await push('topic', '1', main);
    const there = await far('there');
    add('there', there.folder);
    await tell();
    const theirs = await there.git('commit-tree', '-m', 'theirs', '-p', main, `${main}^{tree}`);
    await there.git('update-ref', 'refs/heads/topic', theirs);
    const ours = await push('topic', '2');
    const newMain = await push('main', 'forward');
    await tell();
    expect(await there.refs()).toEqual({ 'refs/heads/main': newMain, 'refs/heads/topic': theirs });
    expect(row('there', 'refs/heads/topic')).toMatchObject({
      state: 'diverged',
      hereOid: ours,
      thereOid: theirs,
    });
    expect(syncs('there')[0]).toMatchObject({ state: 'done', diverged: 1, pushed: 1 });
    await tell();
    expect(syncs('there')[0]).toMatchObject({ state: 'done', diverged: 1, pushed: 0 });
    expect(await lagOf(forge, mirror('there'))).toMatchObject({ refs: 1 });
  });

  test('is diverged when it was deleted here, and stays there', async () => {
    const { far, add, push, git, tell, row } = await stage();
    const main = await git('rev-parse', 'refs/heads/main');
    await push('topic', '1', main);
    const there = await far('there');
    add('there', there.folder);
    await tell();
    const theirs = await there.git('commit-tree', '-m', 'theirs', '-p', main, `${main}^{tree}`);
    await there.git('update-ref', 'refs/heads/topic', theirs);
    await git('update-ref', '-d', 'refs/heads/topic');
    await tell();
    expect(await there.refs()).toMatchObject({ 'refs/heads/topic': theirs });
    expect(row('there', 'refs/heads/topic')).toMatchObject({ state: 'diverged', hereOid: undefined });
  });

  test('goes forward when what stands there is part of what is here', async () => {
    const { forge, repo, caller, far, add, push, tell } = await stage();
    const there = await far('there');
    add('there', there.folder);
    await tell();
    removeMirror(forge, { repo, caller, name: 'there' });
    const forward = await push('main', 'forward');
    add('again', there.folder);
    await tell();
    expect(await there.refs()).toEqual({ 'refs/heads/main': forward });
  });

  test('is replaced when somebody asks for it, and only what was seen there', async () => {
    const { forge, repo, caller, far, add, push, git, tell, row } = await stage();
    const main = await git('rev-parse', 'refs/heads/main');
    await push('topic', '1', main);
    const there = await far('there');
    add('there', there.folder);
    await tell();
    const theirs = await there.git('commit-tree', '-m', 'theirs', '-p', main, `${main}^{tree}`);
    await there.git('update-ref', 'refs/heads/topic', theirs);
    const ours = await push('topic', '2');
    await tell();
    const order = { repo, caller, name: 'there' };
    const request = { ref: 'refs/heads/topic', there: main };
    expect(() => overwriteRef(forge, { ...order, request })).toThrow(/moved since you looked/);
    overwriteRef(forge, { ...order, request: { ...request, there: theirs } });
    await tell();
    expect(await there.refs()).toMatchObject({ 'refs/heads/topic': ours });
    expect(row('there', 'refs/heads/topic')).toMatchObject({ state: 'in-step' });
  });

  test('moves between the look and the push, and is not lost', async () => {
    const { far, add, push, git, tell, clock, mirror } = await stage();
    const main = await git('rev-parse', 'refs/heads/main');
    await push('topic', '1', main);
    const there = await far('there');
    add('there', there.folder);
    await tell();
    const theirs = await there.git('commit-tree', '-m', 'theirs', '-p', main, `${main}^{tree}`);
    // The hook of the remote runs after git has compared the lease, and before the ref is moved.
    there.hook('pre-receive', `unset GIT_QUARANTINE_PATH; git update-ref refs/heads/topic ${theirs}`);
    await push('topic', '2');
    await tell();
    expect(await there.refs()).toMatchObject({ 'refs/heads/topic': theirs });
    expect(mirror('there').wanted).toBeGreaterThan(mirror('there').done);
    there.hook('pre-receive', 'exit 0');
    clock.advance(60 * 60_000);
    await tell();
    expect(await there.refs()).toMatchObject({ 'refs/heads/topic': theirs });
  });
});

test('the reasons of a remote are told without the token, and not at any length', () => {
  const reason = `no ${'x'.repeat(290)} tok-1234 ${'y'.repeat(60_000)}`;
  const text = `!\t${'1'.repeat(40)}:refs/heads/a\t[remote rejected] (${reason})\nDone\n`;
  const [answer] = readPushReport(text, redactor(['tok-1234']));
  expect(answer).toMatchObject({ ref: 'refs/heads/a', outcome: 'refused' });
  expect(JSON.stringify(answer)).not.toContain('tok-');
  expect(JSON.stringify(answer).length).toBeLessThan(400);
});

describe('a remote that refuses something', () => {
  test('gets all the rest at once, and its own words stand beside what it refused', async () => {
    const { far, add, push, git, tell, row, syncs, mirror, clock } = await stage();
    const main = await git('rev-parse', 'refs/heads/main');
    await push('bad', '1', main);
    await push('good', '1', main);
    const there = await far('there');
    there.hook('update', 'case "$1" in */bad) echo "policy: no bad branches, see AB-7" >&2; exit 1;; esac');
    add('there', there.folder);
    await tell();
    expect(Object.keys(await there.refs())).toEqual(['refs/heads/good', 'refs/heads/main']);
    expect(row('there', 'refs/heads/bad')).toMatchObject({
      state: 'refused',
      message: expect.stringContaining('policy: no bad branches, see AB-7'),
    });
    expect(syncs('there')[0]).toMatchObject({ state: 'partial', pushed: 2, refused: 1 });
    // A newer change goes at once, without asking again for what was refused.
    const newer = await push('good', '2');
    await tell();
    expect(await there.refs()).toMatchObject({ 'refs/heads/good': newer });
    expect(syncs('there')[0]).toMatchObject({ state: 'partial', pushed: 1, refused: 1 });
    there.hook('update', 'exit 0');
    clock.advance(31 * 60_000);
    await tell();
    expect(Object.keys(await there.refs())).toContain('refs/heads/bad');
    expect(mirror('there')).toMatchObject({ problem: undefined });
    expect(syncs('there')[0]).toMatchObject({ state: 'done' });
  });

  test('and judges a push as a whole gets the rest, and is quoted', async () => {
    const { far, add, push, git, tell, row } = await stage();
    const main = await git('rev-parse', 'refs/heads/main');
    await push('bad', '1', main);
    await push('good', '1', main);
    const there = await far('there');
    there.hook('pre-receive', 'if grep -q /bad; then echo "a secret is in it" >&2; exit 1; fi');
    add('there', there.folder);
    await tell();
    expect(Object.keys(await there.refs())).toEqual(['refs/heads/good', 'refs/heads/main']);
    expect(row('there', 'refs/heads/bad')).toMatchObject({
      state: 'refused',
      message: expect.stringContaining('a secret is in it'),
    });
  });

  test('and judges a push of many as a whole gets all the others in one sync', async () => {
    const { forge, folder, far, add, git, tell, row, syncs } = await stage();
    const main = await git('rev-parse', 'refs/heads/main');
    const many = Array.from({ length: 40 }, (_one, index) => `refs/heads/many-${index}`);
    await updateRefs(
      forge.git,
      folder,
      many.map((ref) => ({ ref, newOid: main })),
    );
    const there = await far('there');
    there.hook('pre-receive', 'if grep -q /many-33; then echo "not 33" >&2; exit 1; fi');
    add('there', there.folder);
    await tell();
    expect(syncs('there')[0]).toMatchObject({ state: 'partial', pushed: 40, refused: 1 });
    expect(row('there', 'refs/heads/many-33')?.message).toContain('not 33');
  });

  test.each([
    { old: 'a', wanted: 'a/b', config: [] },
    { old: 'a/b', wanted: 'a', config: ['receive.advertiseAtomic', 'false'] },
  ])('gets $wanted in the place of $old, and the rest though one has no place', async (names) => {
    const { old, wanted, config } = names;
    const { far, add, git, tell, row, mirror } = await stage();
    const main = await git('rev-parse', 'refs/heads/main');
    const there = await far('there', config);
    await git('branch', old, main);
    add('there', there.folder);
    await tell();
    await there.git('branch', 'theirs', main);
    await git('branch', '-D', old);
    for (const name of [wanted, 'theirs/x', 'other']) await git('branch', name, main);
    await tell();
    const expected = [wanted, 'main', 'other', 'theirs'].map((name) => `refs/heads/${name}`);
    expect(Object.keys(await there.refs())).toEqual(expected);
    expect(mirror('there')).toMatchObject({ failures: 0, problem: 'Of the refs: 1 refused by the remote.' });
    const message = expect.stringContaining("'refs/heads/theirs' exists");
    expect(row('there', 'refs/heads/theirs/x')).toMatchObject({ state: 'refused', message });
  });

  test('keeps a merged branch until what was merged is there', async () => {
    const { far, add, push, git, tell, row, mirror } = await stage();
    const main = await git('rev-parse', 'refs/heads/main');
    const topic = await push('topic', '1', main);
    const there = await far('there');
    add('there', there.folder);
    await tell();
    there.hook('update', 'case "$1" in */main) exit 1;; esac');
    await git('update-ref', 'refs/heads/main', topic);
    await git('update-ref', '-d', 'refs/heads/topic');
    // Nor can what the branch stands in the way of come before.
    await git('branch', 'topic/two', main);
    await tell();
    expect(await there.refs()).toEqual({ 'refs/heads/main': main, 'refs/heads/topic': topic });
    expect(row('there', 'refs/heads/topic')).toMatchObject({ state: 'behind' });
    expect(mirror('there').problem).toContain('2 held back until the default branch is in step');
    there.hook('update', 'exit 0');
    await push('main', 'newer');
    await tell();
    expect(Object.keys(await there.refs())).toEqual(['refs/heads/main', 'refs/heads/topic/two']);
  });

  test('or takes no push as a whole is told so, and takes what it wants', async () => {
    const { far, add, push, git, tell, row, mirror } = await stage();
    const main = await git('rev-parse', 'refs/heads/main');
    await push('bad', '1', main);
    await push('good', '1', main);
    const there = await far('there', ['receive.advertiseAtomic', 'false']);
    there.hook('update', 'case "$1" in */bad) exit 1;; esac');
    add('there', there.folder);
    await tell();
    expect(mirror('there').isAtomic).toBe(false);
    expect(Object.keys(await there.refs())).toEqual(['refs/heads/good', 'refs/heads/main']);
    expect(row('there', 'refs/heads/bad')).toMatchObject({ state: 'refused' });
  });
});
