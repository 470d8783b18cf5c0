// "What it must show" of the design of CI, points 4, 5 and 7: real programs that behave as badly as they can.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { cookiePrefix } from '../../src/ci/lanes/launch.ts';
import { findSurvivors } from '../../src/ci/lanes/survivors.ts';
import { openLanes, type Lanes } from '../support/lanes.ts';

/** A loaded machine starts programs slowly. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const tiers = ['bubblewrap', 'unshare', 'none'] as const;

/** The program that holds the output open does so for ten minutes. */
const patienceMs = 60_000;

describe.each(tiers)('in %s', (tier) => {
  let lanes: Lanes;
  beforeAll(async () => {
    lanes = await openLanes(tier);
  });
  afterAll(() => lanes.dispose());

  test('4. a lane that ignores TERM, with two grandchildren in sessions of their own, leaves no survivor; its neighbour lives on', async () => {
    const deaf = `trap "" TERM; while :; do sleep 1; done`;
    const neighbour = await lanes.start('neighbour', 'echo here; sleep 600');
    const stubborn = await lanes.start(
      'stubborn',
      `trap '' TERM
       setsid setsid sh -c '${deaf}' >/dev/null 2>&1 &
       (setsid sh -c '${deaf}' &) &
       echo up; while :; do sleep 1; done`,
    );
    expect(lanes.survivorsOf(stubborn).length).toBeGreaterThan(2);
    const ended = await lanes.cancel(stubborn);
    expect(ended.attempt.state).toBe('cancelled');
    expect(lanes.survivorsOf(stubborn)).toEqual([]);
    expect(lanes.survivorsOf(neighbour).length).toBeGreaterThan(0);
    const { attempt } = await lanes.cancel(neighbour);
    expect(attempt.state).toBe('cancelled');
    expect(findSurvivors(cookiePrefix(lanes.forge.config.paths.data))).toEqual([]);
  });

  test('5. a program that holds the output open does not hold the verdict back, and is gone with it', async () => {
    const ended = await lanes.run('leaky', 'setsid sleep 600 & echo "the end is at $(date +%s%3N)"; exit 7');
    expect(ended.attempt).toMatchObject({ state: 'failed', exitCode: 7 });
    const [, exitedAt] = /the end is at (\d+)/.exec(await lanes.log(ended)) ?? [];
    expect(ended.attempt.finishedAt! - Number(exitedAt)).toBeLessThan(patienceMs);
    expect(lanes.survivorsOf(ended)).toEqual([]);
  });
});

describe('7. a lane in bubblewrap', () => {
  let lanes: Lanes;
  beforeAll(async () => {
    lanes = await openLanes('bubblewrap');
  });
  afterAll(() => lanes.dispose());

  test('cannot read what the forge keeps secret', async () => {
    const { data } = lanes.forge.config.paths;
    const secret = `hidden-${Math.random()}`;
    writeFileSync(join(data, 'keys', 'secret'), secret);
    // The environment and the folders of the forge itself too, through the programs that a lane can see.
    const ended = await lanes.run(
      'reads',
      `cat ${data}/keys/secret ${data}/forge.db || true
       cat /proc/[0-9]*/environ | tr '\\0' '\\n' || true
       for root in /proc/[0-9]*/root; do ls $root${data} && echo SEEN; cat $root${data}/keys/secret; done || true
       echo looked`,
    );
    const log = await lanes.log(ended);
    expect(log).toContain('looked');
    expect(log).not.toContain(secret);
    expect(log).not.toContain('SEEN');
    expect(log).not.toContain('SQLite format');
    expect(log).not.toContain('VITEST');
  });

  test('cannot write the canonical repository', async () => {
    const repo = lanes.testForge.repoFolder(lanes.repo);
    const before = readFileSync(join(repo, 'config'), 'utf8');
    // The branch of this lane comes by the push that starts it.
    const heads = async () => {
      const lines = await lanes.forge.git.text(['for-each-ref'], { repo });
      return lines.split('\n').filter((line) => !line.endsWith('refs/heads/writes'));
    };
    const refs = await heads();
    const ended = await lanes.run(
      'writes',
      `alternates=$(cat .git/objects/info/alternates)
       for place in "$alternates" "$alternates/.." ${repo} ${repo}/objects; do
         touch "$place/evil" && echo WROTE
         mkdir "$place/hooks" && echo WROTE
       done
       git push --force "$alternates/.." HEAD:refs/heads/main && echo WROTE
       chmod -R u+w "$alternates" && echo WROTE
       mount -o remount,rw "$alternates" && echo WROTE
       echo tried`,
    );
    const log = await lanes.log(ended);
    expect(log).not.toContain('WROTE');
    expect(existsSync(join(repo, 'objects', 'evil'))).toBe(false);
    expect(readFileSync(join(repo, 'config'), 'utf8')).toBe(before);
    expect(await heads()).toEqual(refs);
  });

  test('cannot see the files of another lane, while that runs and afterwards', async () => {
    const marker = `marker-${Math.floor(Math.random() * 1e9)}`;
    const leave = ['.', '.git', '"$HOME"', '"$TMPDIR"', '/tmp', '/var/tmp', '/dev/shm']
      .map((place) => `touch ${place}/${marker} || true`)
      .join('\n');
    const look = `find / -xdev -path /usr -prune -o -name '${marker}' -print 2>/dev/null || true
       find . "$HOME" "$TMPDIR" /tmp /dev/shm ${lanes.forge.config.paths.data} -name '${marker}' 2>/dev/null || true
       cat README.md; echo looked`;
    const other = await lanes.start('other', `${leave}\necho changed > README.md\necho up; sleep 600`);
    const beside = await lanes.log(await lanes.run('beside', look));
    expect(beside).toContain('looked');
    expect(beside).not.toContain(marker);
    expect(beside).not.toContain('changed');
    await lanes.cancel(other);
    const after = await lanes.log(await lanes.run('after', look));
    expect(after).toContain('looked');
    expect(after).not.toContain(marker);
    expect(after).not.toContain('changed');
    const left = readdirSync(lanes.forge.config.paths.checkouts, { recursive: true, encoding: 'utf8' });
    expect(left.filter((path) => path.endsWith(marker))).toEqual([]);
  });
});
