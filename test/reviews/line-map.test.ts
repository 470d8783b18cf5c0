import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readLineChanges } from '../../src/git/line-changes.ts';
import { mapLine, mapRange, turnBack } from '../../src/reviews/line-map.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';

let testForge: TestForge;
let repo: string;
beforeAll(async () => {
  testForge = await openTestForge();
  testForge.account('ada');
  repo = testForge.repoFolder(await testForge.repo('ada/app', { files: { a: '1\n' } }));
});
afterAll(() => testForge.dispose());

const store = async (content: string): Promise<string> => {
  const { git } = testForge.forge;
  return (await git.text(['hash-object', '-w', '--stdin'], { repo, input: content })).trim();
};

const changesBetween = async (before: readonly string[], after: readonly string[]) => {
  const [oldOid, newOid] = [await store(before.join('')), await store(after.join(''))];
  return (await readLineChanges(testForge.forge.git, { repo, oldOid, newOid }))!;
};

test('lines move with what comes in and goes out before them, and are gone when they changed', async () => {
  const before = ['a\n', 'b\n', 'c\n', 'd\n', 'e\n'];
  const changes = await changesBetween(before, ['new\n', 'a\n', 'B\n', 'd\n', 'e\n', 'f\n']);
  expect([1, 2, 3, 4, 5].map((line) => mapLine(changes, line))).toEqual([2, undefined, undefined, 4, 5]);
  expect(mapRange(changes, { first: 4, last: 5 })).toEqual({ first: 4, last: 5, isWhole: true });
  expect(mapRange(changes, { first: 1, last: 4 })).toEqual({ first: 2, last: 4, isWhole: false });
  expect(mapRange(changes, { first: 2, last: 3 })).toBeUndefined();
});

test('a line that comes in between the lines of a range leaves them standing, but not whole', async () => {
  const changes = await changesBetween(['a\n', 'b\n'], ['a\n', 'between\n', 'b\n']);
  expect(mapRange(changes, { first: 1, last: 2 })).toEqual({ first: 1, last: 3, isWhole: false });
});

test('any line that is said to be kept is the same text, and they stay in order', async () => {
  const line = fc.constantFrom('a\n', 'b\n', 'c\n', '\n', '@@ -1 +1 @@\n', '-x\n');
  const lines = fc.array(line, { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(lines, lines, async (before, after) => {
      const changes = await changesBetween(before, after);
      const mapped = before.map((_, index) => mapLine(changes, index + 1));
      const kept = mapped.filter((place) => place !== undefined);
      expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b));
      for (const [index, place] of mapped.entries()) {
        if (place !== undefined) expect(after[place - 1]).toBe(before[index]);
      }
      // Git leaves out as few lines as are really different in number.
      const gone = changes.reduce((sum, { oldLines }) => sum + oldLines, 0);
      expect(kept.length).toBe(before.length - gone);
    }),
    { seed: 25, numRuns: 25 },
  );
});

test('a position goes to the other file and comes back to where it was, for any line that was kept', async () => {
  const line = fc.constantFrom('a\n', 'b\n', 'c\n', '\n', '}\n');
  const before = fc.array(line, { minLength: 1, maxLength: 14 });
  // Random edits: lines taken away and put in at random places, as a revision does it.
  const edit = fc.record({ at: fc.nat(14), away: fc.nat(3), put: fc.array(line, { maxLength: 3 }) });
  await fc.assert(
    fc.asyncProperty(before, fc.array(edit, { minLength: 1, maxLength: 4 }), async (old, edits) => {
      const after = [...old];
      for (const { at, away, put } of edits) after.splice(at, away, ...put);
      const changes = await changesBetween(old, after);
      const back = changes.map(turnBack);
      for (const [index] of old.entries()) {
        const there = mapLine(changes, index + 1);
        if (there !== undefined) expect(mapLine(back, there)).toBe(index + 1);
      }
      const came = after.map((_, index) => mapLine(back, index + 1));
      // Neither way knows of a line that the other does not.
      const went = old.filter((_, index) => mapLine(changes, index + 1) !== undefined);
      expect(came.filter((place) => place !== undefined)).toHaveLength(went.length);
    }),
    { seed: 25, numRuns: 25 },
  );
});
