import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mergeBases } from '../../src/git/merge-bases.ts';
import { mergeBase } from '../../src/git/objects.ts';
import type { Git } from '../../src/git/run.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();
let folder: string;
let git: Git;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pika-bases-'));
  ({ git } = (await open()).forge);
  await git.run(['init', '--quiet', '--bare', folder]);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Commits by their parents' places in the list, each place earlier than its own. Answers their object ids. */
async function makeHistory(parents: readonly (readonly number[])[]): Promise<string[]> {
  const parts = parents.map((of, place) => {
    const who = `Ada Example <ada@example.org> ${1_767_225_600 + place} +0000`;
    const ref = `refs/heads/c${place}`;
    const lines = [
      `reset ${ref}\ncommit ${ref}`,
      `mark :${place + 1}`,
      `author ${who}`,
      `committer ${who}`,
      'data 1\n.',
    ];
    const [first, ...others] = of;
    if (first !== undefined)
      lines.push(`from :${first + 1}`, ...others.map((other) => `merge :${other + 1}`));
    // Without a file of its own, two commits could be one and the same object.
    return `${lines.join('\n')}\nM 644 inline f${place}\ndata 0\n\n`;
  });
  await git.run(['fast-import', '--quiet', '--done', '--force'], {
    repo: folder,
    input: `${parts.join('')}done\n`,
  });
  const text = await git.text(['for-each-ref', '--format=%(objectname) %(refname:lstrip=2)'], {
    repo: folder,
  });
  const oids = new Map(text.split('\n').map((line) => [line.slice(41), line.slice(0, 40)]));
  return parents.map((_, place) => oids.get(`c${place}`)!);
}

test('heads that are contained, on top, aside and unrelated get the base that git names', async () => {
  // 0 is the root, 1 and 2 go on, 3 leaves at 1, 4 has a root of its own, 5 merges 3 and 2.
  const oids = await makeHistory([[], [0], [1], [1], [], [3, 2]]);
  const [root, one, two, aside, alone, merge] = oids as [string, string, string, string, string, string];
  const bases = await mergeBases(git, folder, { target: two, heads: oids });
  expect([...bases]).toEqual([
    [root, root],
    [one, one],
    [two, two],
    [aside, one],
    [alone, undefined],
    [merge, two],
  ]);
});

test('in any history the bases of many heads are those of git, each asked for alone', async () => {
  const history = fc
    .array(fc.array(fc.nat(30), { maxLength: 2 }), { minLength: 2, maxLength: 12 })
    .map((all) => all.map((of, place) => [...new Set(of.filter(() => place > 0).map((any) => any % place))]));
  await fc.assert(
    fc.asyncProperty(history, async (parents) => {
      const heads = await makeHistory(parents);
      const target = heads[Math.floor(heads.length / 2)]!;
      const bases = await mergeBases(git, folder, { target, heads });
      for (const head of heads) expect(bases.get(head)).toBe(await mergeBase(git, folder, target, head));
    }),
    { numRuns: 12 },
  );
});

test('a head that is missing fails the question, and no other head gets a wrong answer', async () => {
  const [root, one] = (await makeHistory([[], [0]])) as [string, string];
  const heads = [one, 'd'.repeat(40)];
  await expect(mergeBases(git, folder, { target: root, heads })).rejects.toThrow();
});
