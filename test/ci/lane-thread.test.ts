// Real programs that behave badly, in every way of running lanes that works on this machine.
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openLanes, type Lanes } from '../support/lanes.ts';
import { findSurvivors } from '../../src/ci/lanes/survivors.ts';
import { cookiePrefix } from '../../src/ci/lanes/launch.ts';

const tiers = ['bubblewrap', 'unshare', 'none'] as const;

// Long enough for a machine with much else to do; nothing here waits for a moment to pass.
describe.each(tiers)('a lane in %s', { timeout: 120_000 }, (tier) => {
  let lanes: Lanes;
  beforeAll(async () => {
    lanes = await openLanes(tier);
  }, 120_000);
  afterAll(() => lanes.dispose());
  const survivors = () => findSurvivors(cookiePrefix(lanes.forge.config.paths.data));

  test('that ignores TERM and hides grandchildren behind setsid leaves nothing, and its neighbour lives on', async () => {
    const neighbour = await lanes.start(
      'neighbour',
      'echo here; read line < /dev/zero || sleep 600; sleep 600',
    );
    const stubborn = await lanes.start(
      'stubborn',
      `trap '' TERM; setsid sh -c "trap '' TERM; while :; do sleep 1; done" & setsid setsid sleep 600 & echo up; while :; do sleep 1; done`,
    );
    const before = survivors().length;
    expect(before).toBeGreaterThan(3);
    const ended = await lanes.cancel(stubborn);
    expect(ended.attempt).toMatchObject({ state: 'cancelled' });
    expect(lanes.survivorsOf(stubborn)).toEqual([]);
    expect(lanes.survivorsOf(neighbour).length).toBeGreaterThan(0);
    await lanes.cancel(neighbour);
    expect(survivors()).toEqual([]);
  });

  test('may end in peace on TERM', async () => {
    const polite = await lanes.start(
      'polite',
      `trap 'echo goodbye; exit 3' TERM; echo up; while :; do sleep 0.05; done`,
    );
    const ended = await lanes.cancel(polite);
    expect(await lanes.log(ended)).toContain('goodbye');
  });

  test('does not hold its verdict back with a program that keeps its output open', async () => {
    const begun = performance.now();
    const ended = await lanes.run('leaky', `setsid sleep 600 & echo out; exit 0`);
    expect(ended.attempt).toMatchObject({ state: 'success', exitCode: 0 });
    // Nowhere near the ten minutes that the other program would live; a loaded machine takes its time.
    expect(performance.now() - begun).toBeLessThan(60_000);
    expect(survivors()).toEqual([]);
  });

  test('that prints nothing for too long is an idle timeout; one that takes too long, a timeout', async () => {
    const idle = await lanes.run('idle', 'echo up; sleep 600', { idleSeconds: 1 });
    expect(idle.attempt).toMatchObject({ state: 'failed', failureKind: 'idle_timeout' });
    const slow = await lanes.run('slow', 'while :; do echo x; sleep 0.1; done', { timeoutSeconds: 1 });
    expect(slow.attempt).toMatchObject({ state: 'failed', failureKind: 'timeout' });
    expect(slow.attempt.message).toContain('1 s');
  });

  test('keeps the order of its two outputs, and tells its exit', async () => {
    const ended = await lanes.run(
      'mixed',
      'for i in 1 2 3 4; do echo out$i; echo err$i >&2; done; echo again > /dev/stderr; exit 7',
    );
    expect(ended.attempt).toMatchObject({ state: 'failed', failureKind: 'test_failure', exitCode: 7 });
    expect(await lanes.log(ended)).toContain('out1\nerr1\nout2\nerr2\nout3\nerr3\nout4\nerr4\nagain\n');
  });

  test('of a program that does not exist fails as its own fault', async () => {
    const ended = await lanes.run('missing', ['no-such-program']);
    expect(ended.attempt).toMatchObject({ state: 'failed', failureKind: 'test_failure' });
  });

  test('leaves no folder behind', async () => {
    const { attempt } = await lanes.run('tidy', 'echo x > file');
    const folders = readdirSync(lanes.forge.config.paths.checkouts);
    expect(folders).not.toContain(`${attempt.id}-${attempt.token}`);
  });
});
