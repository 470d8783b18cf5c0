import { expect, test } from 'vitest';
import { joinWatch } from '../../src/landing/watch.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();
const branch = { id: 7, repoId: 3 };
const pushed = (branchId: number) => ({ repoId: 3, branchId, revision: 1 });

test('who waits for one branch reads once between two facts about it', async () => {
  const { forge } = await open();
  const [one, two] = [joinWatch(forge, branch), joinWatch(forge, branch)];
  let reads = 0;
  const read = (watch: typeof one) => watch.share('facts', () => (reads += 1));
  expect([read(one), read(two)]).toEqual([1, 1]);
  forge.events.emit('branch-pushed', pushed(8));
  expect(read(one)).toBe(1);
  const next = two.next;
  forge.events.emit('branch-pushed', pushed(7));
  await next;
  expect([read(one), read(two)]).toEqual([2, 2]);
  for (const name of ['target-moved', 'landing-changed', 'branch-held'] as const) {
    const before = reads;
    const fact = { repoId: 3, branchId: 7, oid: '' };
    forge.events.emit(name, fact);
    expect([name, read(two)]).toEqual([name, before + 1]);
  }
});

test('an answer of git is shared while it is under way and no longer', async () => {
  const { forge } = await open();
  const watch = joinWatch(forge, branch);
  const answer = Promise.withResolvers<number>();
  let asked = 0;
  const ask = () => watch.share('gate', () => ((asked += 1), answer.promise));
  const both = Promise.all([ask(), ask()]);
  expect(asked).toBe(1);
  forge.events.emit('target-moved', { repoId: 3, oid: '' });
  void ask();
  expect(asked).toBe(2);
  answer.resolve(5);
  expect(await both).toEqual([5, 5]);
  await Promise.resolve();
  void ask();
  expect(asked).toBe(3);
});

test('who joins after the last one left hears of what is new from there on', async () => {
  const { forge } = await open();
  const first = joinWatch(forge, branch);
  first.share('facts', () => 'old');
  first.leave();
  const second = joinWatch(forge, branch);
  expect(second).not.toBe(first);
  expect(second.share('facts', () => 'new')).toBe('new');
});
