import { expect, test } from 'vitest';
import { Rest } from '../../src/operator/rest.ts';

const mebibyte = 1024 * 1024;

/** A process whose figures are set by hand. */
function stage() {
  const it = { now: 0, usedMs: 0, heap: 60 * mebibyte, left: 40 * mebibyte, collected: 0 };
  const rest = new Rest({
    collect: () => {
      it.collected += 1;
      it.heap = it.left;
    },
    now: () => it.now,
    usedMs: () => it.usedMs,
    heapBytes: () => it.heap,
  });
  const look = (used: number, heapMebibytes?: number): number => {
    it.now += 10_000;
    it.usedMs += used;
    if (heapMebibytes !== undefined) it.heap = heapMebibytes * mebibyte;
    rest.look();
    return it.collected;
  };
  return { it, look };
}

test('memory is given back at the first look at which the forge rests, and not while it works', () => {
  const { look } = stage();
  expect(look(3000)).toBe(0);
  expect(look(300)).toBe(0);
  expect(look(50)).toBe(1);
});

test('a forge that goes on resting is left alone, until it took much more again', () => {
  const { look } = stage();
  look(50);
  for (let turn = 0; turn < 10; turn += 1) expect(look(50, 44)).toBe(1);
  expect(look(50, 57)).toBe(2);
});

test('what V8 hands back later is what it is compared with', () => {
  const { look } = stage();
  look(50);
  for (let turn = 0; turn < 6; turn += 1) expect(look(50, 30)).toBe(1);
  expect(look(50, 47)).toBe(2);
});

test('pages that are asked for now and then make one pause a minute at most', () => {
  const { look } = stage();
  expect(look(50)).toBe(1);
  for (let turn = 0; turn < 5; turn += 1) expect(look(150, 60)).toBe(1);
  expect(look(150, 60)).toBe(2);
});
