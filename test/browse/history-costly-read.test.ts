// D4: long histories cannot take every process of the machine, nor one repository every turn.
import { expect, test } from 'vitest';
import { inTurn, readOnce } from '../../src/browse/costly-read.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();
const limits = (settings: Record<string, number>) => ({ settings: { limits: settings } });

/** Reads that end when they are told to. */
function gate() {
  const begun: string[] = [];
  const ends = new Map<string, (answer: string) => void>();
  const read = (name: string) => () => {
    begun.push(name);
    const { promise, resolve } = Promise.withResolvers<string>();
    ends.set(name, resolve);
    return promise;
  };
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  const end = (name: string) => {
    ends.get(name)?.(name);
    return settled();
  };
  return { begun, read, end, settled };
}

test('few read at once, the others in the order of their coming, and none for ever', async () => {
  const { forge } = await open(limits({ maxCostlyReads: 3, maxWaitingReads: 2 }));
  const { begun, read, end, settled } = gate();
  const all = ['a', 'b', 'c', 'd'].map((name, index) => inTurn(forge, index, read(name)));
  await settled();
  expect(begun).toEqual(['a', 'b', 'c']);
  const waiting = inTurn(forge, 9, read('e'));
  await expect(inTurn(forge, 10, read('f'))).rejects.toMatchObject({ code: 'unavailable' });
  await end('b');
  expect(begun).toEqual(['a', 'b', 'c', 'd']);
  await end('a');
  expect(begun.at(-1)).toBe('e');
  for (const name of ['c', 'd', 'e']) await end(name);
  expect(await Promise.all([...all, waiting])).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('one repository leaves a turn to the others', async () => {
  const { forge } = await open(limits({ maxCostlyReads: 3 }));
  const { begun, read, end, settled } = gate();
  const mine = ['a', 'b', 'c'].map((name) => inTurn(forge, 1, read(name)));
  await settled();
  expect(begun).toEqual(['a', 'b']);
  const other = inTurn(forge, 2, read('other'));
  await settled();
  expect(begun).toEqual(['a', 'b', 'other']);
  await end('other');
  expect(begun).not.toContain('c');
  await end('a');
  expect(begun).toContain('c');
  await end('b');
  await end('c');
  await Promise.all([...mine, other]);
});

test('a turn that does not come in time is refused, and one that failed is free again', async () => {
  const { forge } = await open(limits({ maxCostlyReads: 1, readSeconds: 1 }));
  const { begun, read, end } = gate();
  const first = inTurn(forge, 1, read('a'));
  await expect(inTurn(forge, 1, read('late'))).rejects.toMatchObject({ code: 'unavailable' });
  expect(begun).toEqual(['a']);
  await end('a');
  await first;
  await expect(inTurn(forge, 1, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(await inTurn(forge, 1, () => Promise.resolve('next'))).toBe('next');
});

test('an answer is read once for all who ask, and kept while there is room', async () => {
  const { forge } = await open();
  let reads = 0;
  const ask = (key: string, bytes: number | undefined, repoId = 1) =>
    readOnce(forge, {
      repoId,
      key,
      read: () => Promise.resolve((reads += 1)),
      sizeOf: () => bytes,
    });
  expect(await Promise.all([ask('a', 10), ask('a', 10)])).toEqual([1, 1]);
  expect(await ask('a', 10)).toBe(1);
  expect(await ask('a', 10, 2)).toBe(2);
  // What is not whole is for those who wait for it now, and for nobody later.
  expect(await ask('cut', undefined)).toBe(3);
  expect(await ask('cut', undefined)).toBe(4);
  expect(await ask('big', 32 * 1024 * 1024)).toBe(5);
  expect(await ask('a', 10)).toBe(6);
});

test('what failed is asked for again', async () => {
  const { forge } = await open();
  let reads = 0;
  const read = () => {
    reads += 1;
    return reads === 1 ? Promise.reject(new Error('broken')) : Promise.resolve('fine');
  };
  const ask = () => readOnce(forge, { repoId: 1, key: 'a', read, sizeOf: () => 1 });
  await expect(ask()).rejects.toThrow('broken');
  expect(await ask()).toBe('fine');
});
