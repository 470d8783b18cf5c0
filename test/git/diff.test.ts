import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDiff, type DiffFile } from '../../src/git/diff.ts';
import type { Git } from '../../src/git/run.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();
const limits = { maxFiles: 1000, maxBytes: 10_000_000 };

type Entry = { mode: string; content: Buffer } | { mode: '160000'; oid: string };

/** A commit with exactly these files, made with plumbing so that any name and content is possible. */
async function commit(git: Git, repo: string, files: Map<string, Entry>): Promise<string> {
  const lines: string[] = [];
  for (const [path, entry] of files) {
    const oid =
      'oid' in entry
        ? entry.oid
        : await git.text(['hash-object', '-w', '--stdin'], { repo, input: entry.content });
    lines.push(`${entry.mode} ${oid}\t${path}\0`);
  }
  const env = { GIT_INDEX_FILE: `${repo}/test-index-${Math.random()}` };
  await git.run(['update-index', '-z', '--index-info'], { repo, input: lines.join(''), env });
  const tree = await git.text(['write-tree'], { repo, env });
  return git.text(['commit-tree', '-m', 'x', tree], { repo });
}

const text = (content: string): Entry => ({ mode: '100644', content: Buffer.from(content) });

/** The new side of a text file, rebuilt from the old one and the hunks alone. */
function applyHunks(old: string, file: DiffFile): string {
  const source = old.split(/(?<=\n)/);
  const result: string[] = [];
  let at = 0;
  for (const hunk of file.hunks) {
    const start = hunk.oldLines === 0 ? hunk.oldStart : hunk.oldStart - 1;
    result.push(...source.slice(at, start));
    at = start;
    for (const line of hunk.lines) {
      const whole = line.noNewline ? line.text : `${line.text}\n`;
      if (line.kind !== 'added') expect(source[at++]).toBe(whole);
      if (line.kind !== 'removed') result.push(whole);
    }
  }
  return [...result, ...source.slice(at)].join('');
}

const line = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    '',
    ' ',
    '@@ -1 +1 @@',
    '--- a/x',
    '+++ b/x',
    'diff --git a/x b/x',
    '\\ No newline',
    '\r',
    '-',
    '+',
  ),
  fc.string({ maxLength: 12, unit: 'grapheme' }).map((value) => value.replaceAll('\n', '')),
);
const content = fc
  .tuple(fc.array(line, { maxLength: 30 }), fc.boolean())
  .map(([lines, ends]) => lines.join('\n') + (ends && lines.length > 0 ? '\n' : ''))
  .filter((value) => !value.includes('\0') && value.isWellFormed());

test('any two texts: the new one is rebuilt from the old one and the hunks', async () => {
  const { forge, repo, repoFolder } = await open();
  const path = repoFolder(await repo('ada/app'));
  await fc.assert(
    fc.asyncProperty(content, content, async (before, after) => {
      const base = await commit(forge.git, path, new Map([['f', text(before)]]));
      const head = await commit(forge.git, path, new Map([['f', text(after)]]));
      const { files } = await readDiff(forge.git, { repo: path, base, head, ...limits });
      if (before === after) expect(files).toEqual([]);
      else expect(applyHunks(before, files[0]!)).toBe(after);
    }),
    { numRuns: 40 },
  );
});

test('without white space, git leaves out whole files, and no line stands under the name of another', async () => {
  const { forge, repo, repoFolder } = await open();
  const path = repoFolder(await repo('ada/app'));
  const before = new Map([
    ['a', text('same\n')],
    ['b', text('old\n')],
    ['c', text('kept\n')],
  ]);
  const after = new Map([
    ['a', text('  same\n')],
    ['b', text('young\n')],
    ['c', { mode: '120000', content: Buffer.from('b') }],
  ]);
  const base = await commit(forge.git, path, before);
  const head = await commit(forge.git, path, after);
  const { files } = await readDiff(forge.git, { repo: path, base, head, ignoresSpace: true, ...limits });
  const lines = files.map(({ newPath, hunks }) => [
    newPath,
    hunks.flatMap((hunk) => hunk.lines.map((each) => each.text)),
  ]);
  expect(lines).toEqual([
    ['a', []],
    ['b', ['old', 'young']],
    ['c', ['kept', 'b']],
  ]);
});

describe('a torture commit', () => {
  const many = Array.from({ length: 40 }, (_, index) => `line ${index}\n`).join('');
  const before = new Map<string, Entry>([
    ['gone', text('bye\n')],
    ['old name', text(many)],
    ['script', text('run\n')],
    ['was file', text('target')],
    ['image', { mode: '100644', content: Buffer.from('\0\x01\x02') }],
    ['sub', { mode: '160000', oid: 'a'.repeat(40) }],
    ['empty later', text('x\n')],
  ]);
  const after = new Map<string, Entry>([
    ['new "quoted"\tname\nwith newline', text(many.replace('line 7', 'line seven'))],
    ['script', { mode: '100755', content: Buffer.from('run\n') }],
    ['was file', { mode: '120000', content: Buffer.from('target') }],
    ['image', { mode: '100644', content: Buffer.from('\0\x01\x03') }],
    ['sub', { mode: '160000', oid: 'b'.repeat(40) }],
    ['empty later', text('')],
    ['bad\xffutf8', { mode: '100644', content: Buffer.from([0x61, 0xff, 0x0a]) }],
    ['diff --git a/x b/x', text('@@ -1,5 +1,5 @@\n')],
  ]);

  async function torture(): Promise<Map<string, DiffFile>> {
    const { forge, repo, repoFolder } = await open();
    const path = repoFolder(await repo('ada/app'));
    const base = await commit(forge.git, path, before);
    const head = await commit(forge.git, path, after);
    const diff = await readDiff(forge.git, { repo: path, base, head, ...limits });
    return new Map(diff.files.map((file) => [file.newPath, file]));
  }

  test('every kind of change is told as what it is', async () => {
    const files = await torture();
    expect(files.get('gone')).toMatchObject({ status: 'deleted', removed: 1, added: 0 });
    expect(files.get('new "quoted"\tname\nwith newline')).toMatchObject({
      status: 'renamed',
      oldPath: 'old name',
      added: 1,
      removed: 1,
    });
    expect(files.get('script')).toMatchObject({
      status: 'modified',
      oldMode: '100644',
      newMode: '100755',
      hunks: [],
    });
    expect(files.get('was file')).toMatchObject({ status: 'type', newMode: '120000' });
    expect(files.get('was file')?.hunks).toHaveLength(2);
    expect(files.get('image')).toMatchObject({ status: 'modified', binary: true, hunks: [] });
    expect(files.get('sub')).toMatchObject({ newMode: '160000', added: 1, removed: 1 });
    expect(files.get('empty later')).toMatchObject({ added: 0, removed: 1 });
    expect(files.get('diff --git a/x b/x')?.hunks[0]?.lines[0]?.text).toBe('@@ -1,5 +1,5 @@');
    expect(files.get('bad\xffutf8')?.hunks[0]?.lines[0]?.text).toBe('a\uFFFD');
  });
});

test('a changed type never shifts the content of the files behind it', async () => {
  const { forge, repo, repoFolder } = await open();
  const path = repoFolder(await repo('ada/app'));
  const link: Entry = { mode: '120000', content: Buffer.from('z') };
  const before = new Map<string, Entry>([
    ['a empty', text('')],
    ['b binary', { mode: '100644', content: Buffer.from('x\0y') }],
    ['c text', text('text\n')],
    ['d link', link],
    ['z', text('z1\n')],
  ]);
  const after = new Map<string, Entry>([
    ['a empty', link],
    ['b binary', link],
    ['c text', { mode: '160000', oid: 'a'.repeat(40) }],
    ['d link', text('')],
    ['z', text('z2\n')],
  ]);
  const base = await commit(forge.git, path, before);
  const head = await commit(forge.git, path, after);
  const { files } = await readDiff(forge.git, { repo: path, base, head, ...limits });
  const shown = files.map(({ newPath, status, hunks }) => [
    newPath,
    status,
    hunks.flatMap(({ lines }) => lines.map(({ kind, text }) => `${kind} ${text}`)),
  ]);
  expect(shown).toEqual([
    ['a empty', 'type', ['added z']],
    ['b binary', 'type', ['added z']],
    ['c text', 'type', ['removed text', `added Subproject commit ${'a'.repeat(40)}`]],
    ['d link', 'type', ['removed z']],
    ['z', 'modified', ['removed z1', 'added z2']],
  ]);
});

test('from nothing: every file is added', async () => {
  const { forge, repo, repoFolder } = await open();
  const path = repoFolder(await repo('ada/app', { files: { 'a.txt': 'a\n', 'b/c.txt': 'c\n' } }));
  const head = await forge.git.text(['rev-parse', 'refs/heads/main'], { repo: path });
  const { files } = await readDiff(forge.git, { repo: path, base: undefined, head, ...limits });
  expect(files.map(({ status, newPath }) => [status, newPath])).toEqual([
    ['added', 'a.txt'],
    ['added', 'b/c.txt'],
  ]);
});

describe('D2: what is too large is told and not read', () => {
  test('a diff over the limit names its files and leaves their content out', async () => {
    const { forge, repo, repoFolder } = await open();
    const path = repoFolder(await repo('ada/app', { files: { big: 'x'.repeat(5000), small: 'y' } }));
    const head = await forge.git.text(['rev-parse', 'refs/heads/main'], { repo: path });
    const diff = await readDiff(forge.git, {
      repo: path,
      base: undefined,
      head,
      maxFiles: 10,
      maxBytes: 1000,
    });
    expect(diff.truncated).toBe(true);
    expect(diff.files.map((file) => [file.newPath, file.tooLarge, file.hunks.length])).toEqual([
      ['big', true, 0],
      ['small', true, 0],
    ]);
  });

  test('of more files than are wanted the first come, and the difference says that it is cut', async () => {
    const { forge, repo, repoFolder } = await open();
    const path = repoFolder(await repo('ada/app', { files: { a: '1\n', b: '1\n', c: '1\n' } }));
    const head = await forge.git.text(['rev-parse', 'refs/heads/main'], { repo: path });
    const range = { repo: path, base: undefined, head, maxFiles: 2, maxBytes: 1_000_000 };
    const cut = await readDiff(forge.git, range);
    expect(cut.files.map((file) => file.newPath)).toEqual(['a', 'b']);
    expect(cut.truncated).toBe(true);
    expect((await readDiff(forge.git, { ...range, maxFiles: 3 })).truncated).toBe(false);
  });

  test('one huge file is left out alone, and what comes before and behind it is shown', async () => {
    const { forge, repo, repoFolder } = await open();
    const huge = 'a line of text\n'.repeat(200_000);
    const files = { 'a.txt': 'a\n', 'huge.txt': huge, 'image.bin': '\0\x01', 'z.txt': 'z\n' };
    const path = repoFolder(await repo('ada/app', { files }));
    const head = await forge.git.text(['rev-parse', 'refs/heads/main'], { repo: path });
    const range = { repo: path, base: undefined, head, maxFiles: 10, maxBytes: 1_000_000 };
    const diff = await readDiff(forge.git, range);
    expect(diff.truncated).toBe(true);
    expect(diff.files.map((file) => [file.newPath, file.tooLarge, file.binary, file.added])).toEqual([
      ['a.txt', false, false, 1],
      ['huge.txt', true, false, 0],
      ['image.bin', false, true, 0],
      ['z.txt', false, false, 1],
    ]);
  });

  test('many files over the limit: the first come whole, the rest without content', async () => {
    const { forge, repo, repoFolder } = await open();
    const names = Array.from({ length: 60 }, (_, index) => `f${String(index).padStart(2, '0')}`);
    const files = Object.fromEntries(names.map((name) => [name, `${name}\n`.repeat(100)]));
    const path = repoFolder(await repo('ada/app', { files }));
    const head = await forge.git.text(['rev-parse', 'refs/heads/main'], { repo: path });
    for (const maxBytes of [100, 3000, 12_345, 20_001]) {
      const range = { repo: path, base: undefined, head, maxFiles: 50, maxBytes };
      const diff = await readDiff(forge.git, range);
      expect(diff.truncated).toBe(true);
      for (const file of diff.files) expect(file.tooLarge ? 0 : 100).toBe(file.added);
      const whole = diff.files.filter((file) => !file.tooLarge).length;
      expect(whole).toBe({ 100: 0, 3000: 0, 12_345: 9, 20_001: 20 }[maxBytes]);
      expect(diff.files.slice(whole).every((file) => file.tooLarge)).toBe(true);
      expect(diff.files.map((file) => file.newPath)).toEqual(names.slice(0, diff.files.length));
    }
  });

  test('a line of ten megabytes is cut and says by how much', async () => {
    const { forge, repo, repoFolder } = await open();
    const path = repoFolder(await repo('ada/app', { files: { long: 'x'.repeat(10_000_000) } }));
    const head = await forge.git.text(['rev-parse', 'refs/heads/main'], { repo: path });
    const diff = await readDiff(forge.git, {
      repo: path,
      base: undefined,
      head,
      maxFiles: 10,
      maxBytes: 20_000_000,
    });
    expect(diff.files[0]?.hunks[0]?.lines[0]).toMatchObject({ cut: 10_000_000 - 4000, noNewline: true });
  });

  test('what is kept of a difference counts with the text that was cut, and with the width of its letters', async () => {
    const { forge, repo, repoFolder } = await open();
    const files = { 'a-plain': 'x'.repeat(100_000), 'b-wide': 'ω'.repeat(50_000) };
    const path = repoFolder(await repo('ada/app', { files }));
    const head = await forge.git.text(['rev-parse', 'refs/heads/main'], { repo: path });
    const bytesOf = async (maxBytes: number): Promise<number> => {
      const range = { repo: path, base: undefined, head, maxFiles: 1, maxBytes };
      return (await readDiff(forge.git, range)).textBytes ?? 0;
    };
    expect(await bytesOf(1_000_000)).toBeGreaterThan(2 * 150_000);
    // Git is stopped within the first of them.
    expect(await bytesOf(100_000)).toBeGreaterThan(99_000);
    expect(await bytesOf(100_000)).toBeLessThan(101_000);
  });
});
