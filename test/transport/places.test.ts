import { expect, test } from 'vitest';
import { Places, type Leave } from '../../src/transport/places.ts';

const limits = { maxGitProcesses: 2, maxGitProcessesPerRepo: 2, maxWaitingGit: 4, gitQueueSeconds: 60 };
const stays = new AbortController().signal;

/** Asks for places and notes in which order they are given. */
function useQueue(settings: Partial<typeof limits> = {}) {
  const places = new Places({ ...limits, ...settings });
  const order: string[] = [];
  const leaves = new Map<string, Leave>();
  const ask = (name: string, wanted: { client?: string; repo?: string; signal?: AbortSignal } = {}) => {
    const { client = name, repo = 'ada/app', signal = stays } = wanted;
    return places.take({ repo, client }, signal).then((leave) => {
      order.push(name);
      leaves.set(name, leave);
    });
  };
  const leave = async (name: string): Promise<void> => {
    leaves.get(name)!();
    // Whoever is admitted notes it in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { ask, leave, order };
}

test('places are given at once while there are any, then in the order of coming', async () => {
  const { ask, leave, order } = useQueue();
  const asked = ['a', 'b', 'c', 'd'].map((name) => ask(name));
  await Promise.all(asked.slice(0, 2));
  expect(order).toEqual(['a', 'b']);
  await leave('a');
  expect(order).toEqual(['a', 'b', 'c']);
  await leave('b');
  expect(order).toEqual(['a', 'b', 'c', 'd']);
});

test('a place given back twice is one place', async () => {
  const { ask, leave, order } = useQueue();
  const asked = ['a', 'b', 'c', 'd'].map((name) => ask(name));
  await Promise.all(asked.slice(0, 2));
  await leave('a');
  await leave('a');
  expect(order).toEqual(['a', 'b', 'c']);
});

test('a free place goes to whoever holds the fewest, not to the burst that came before', async () => {
  const { ask, leave, order } = useQueue();
  const burst = ['b1', 'b2', 'b3', 'b4'].map((name) => ask(name, { client: 'burst' }));
  await Promise.all(burst.slice(0, 2));
  const other = ask('other');
  await leave('b1');
  await other;
  expect(order).toEqual(['b1', 'b2', 'other']);
});

test('one repository takes no more than its share, and does not hold up who waits behind for another', async () => {
  const { ask, leave, order } = useQueue({ maxGitProcesses: 3, maxGitProcessesPerRepo: 1 });
  await ask('a1');
  const second = ask('a2');
  await ask('b1', { repo: 'ben/lib' });
  expect(order).toEqual(['a1', 'b1']);
  await leave('b1');
  expect(order).toEqual(['a1', 'b1']);
  await leave('a1');
  await second;
  expect(order).toEqual(['a1', 'b1', 'a2']);
});

test('when too many wait the next is refused, and says what is full', async () => {
  const { ask } = useQueue({ maxWaitingGit: 2 });
  await Promise.all([ask('a'), ask('b')]);
  void ask('c');
  void ask('d');
  await expect(ask('e')).rejects.toThrow('The forge serves 2 git clients already, and 2 more wait');
  const perRepo = useQueue({ maxGitProcessesPerRepo: 1, maxWaitingGit: 0 });
  await perRepo.ask('a');
  await expect(perRepo.ask('b')).rejects.toThrow('The repository ada/app serves 1 git clients already');
});

test('one client fills at most half of the queue', async () => {
  const { ask } = useQueue();
  await Promise.all([ask('a'), ask('b')]);
  void ask('c1', { client: 'c' });
  void ask('c2', { client: 'c' });
  await expect(ask('c3', { client: 'c' })).rejects.toMatchObject({ code: 'unavailable' });
  void ask('d');
});

test('who goes away while waiting leaves the queue, and who waits too long is refused', async () => {
  const { ask, leave, order } = useQueue({ gitQueueSeconds: 1 });
  await Promise.all([ask('a'), ask('b')]);
  const going = new AbortController();
  const gone = ask('gone', { signal: going.signal });
  const late = ask('late');
  going.abort();
  await expect(gone).rejects.toMatchObject({ code: 'unavailable' });
  await expect(late).rejects.toThrow('none ended within 1 seconds');
  await leave('a');
  await ask('next');
  expect(order).toEqual(['a', 'b', 'next']);
  await expect(ask('never', { signal: going.signal })).rejects.toMatchObject({ code: 'unavailable' });
});
