// What a reader sees of a file is that file: the sides of every difference, taken from the HTML of the page with the
// lines that it fetches when they are asked for, are git's blobs again.
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { contextQuery, contextView } from '../../src/browse/context-view.ts';
import { placeAt } from '../../src/browse/place.ts';
import { entryAt } from '../../src/browse/tree.ts';
import type { Forge } from '../../src/forge/open.ts';
import type { DiffFile } from '../../src/git/diff.ts';
import { viewChanges } from '../../src/repos/changes-view.ts';
import { diffBetween } from '../../src/repos/diff-between.ts';
import type { Repo } from '../../src/repos/model.ts';
import { visible } from '../../src/web/filters.ts';
import { renderToString } from '../../src/web/render.ts';
import { closeRenderPool } from '../../src/web/render-pool.ts';
import { useForge } from '../support/forge.ts';
import { commitTree, twoTrees, type Tree, type TreeFile } from '../support/random-trees.ts';

const runs = process.env['SIDES_RUNS'];
const open = useForge();
afterAll(closeRenderPool);

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
const textOf = (html: string): string =>
  html.replaceAll(/<[^>]*>/g, '').replaceAll(/&(\w+|#39);/g, (_, name: string) => entities[name] ?? '?');

interface Cell {
  text: string;
  cut: number;
  endsWithout: boolean;
}
type Sides = Record<'old' | 'new', Map<number, Cell>>;

/** The cells of a row, by side and number. */
function readRow(sides: Sides, row: string): void {
  const cells = [...row.matchAll(/<td class="([^"]*)"[^>]*>(.*?)<\/td>/gs)];
  const codes = cells.filter(([, name = '']) => name.startsWith('code'));
  const numbers = cells.filter(([, name = '']) => /^line-number (?:old|new)/.test(name));
  for (const [index, [, name = '', content = '']] of numbers.entries()) {
    const number = textOf(content).trim();
    const cell = (codes.length === 1 ? codes[0] : codes[index])?.[2];
    if (number === '' || cell === undefined) continue;
    const code = cell.replace(movedNote, '');
    const notes = /<span class="faint">\((.*)\)<\/span>$/s.exec(code);
    sides[name.includes('old') ? 'old' : 'new'].set(Number(number), {
      text: textOf(notes === null ? code : code.slice(0, notes.index - 1)),
      cut: Number(/(\d+) more characters/.exec(notes?.[1] ?? '')?.[1] ?? 0),
      endsWithout: notes?.[1]?.includes('no newline at the end') === true,
    });
  }
}

// Where a moved block begins, its first line says where it was or went.
const movedNote = / <span class="moved-note">[^<]*<\/span>/;

const rowsOf = (html: string): string[] => html.match(/<tr\b.*?<\/tr>/gs) ?? [];

/** Follows the links to what a difference leaves out, as the script of the page does. */
async function fill(sides: Sides, html: string, shown: { forge: Forge; repo: Repo; isSplit: boolean }) {
  for (const [, address = ''] of html.matchAll(/data-gap="([^"]*)"/g)) {
    const url = new URL(textOf(address), 'http://forge/');
    const place = await placeAt(shown.forge, shown.repo, url.pathname.split('/blob/')[1] ?? '');
    const query = contextQuery.parse({
      ...Object.fromEntries(url.searchParams),
      sides: shown.isSplit ? '2' : '1',
    });
    const entry = await entryAt(shown.forge, place!);
    const view = await contextView(shown.forge, place!, { entry, query });
    for (const row of rowsOf(renderToString('_context.njk', { page: {}, ...view }))) readRow(sides, row);
  }
}

/** What a side must be: its lines as they are shown, a carriage return at their end left out. */
function linesOf({ mode, content }: TreeFile): string[] {
  const text = mode === '160000' ? `Subproject commit ${content.toString()}\n` : content.toString('utf8');
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
}

function expectSide(cells: Map<number, Cell>, file: TreeFile, exactly: boolean): void {
  const lines = linesOf(file);
  const squeeze = (text: string) => (exactly ? text : text.replaceAll(/\s/g, ''));
  expect([...cells.keys()].sort((a, b) => a - b)).toEqual(lines.map((_, index) => index + 1));
  for (const [index, line] of lines.entries()) {
    const cell = cells.get(index + 1)!;
    const isLong = cell.cut > 0;
    const whole = isLong ? visible(line.slice(0, 4000)) : visible(line);
    expect(squeeze(cell.text)).toBe(squeeze(whole));
    // A carriage return at the end counts where the whole line does.
    if (isLong && exactly) expect([3999, 4000]).toContain(line.length - cell.cut);
  }
  const endsWithout = file.mode !== '160000' && lines.length > 0 && file.content.at(-1) !== 0x0a;
  const isTold = [...cells.values()].some((cell) => cell.endsWithout);
  // Where the end stands in a gap there is nothing to tell: it is the same on both sides.
  if (exactly && isTold) expect(endsWithout).toBe(true);
}

const nothing: TreeFile = { mode: '100644', content: Buffer.alloc(0) };

/** One file of the page against what git has. */
async function expectFile(
  shown: { forge: Forge; repo: Repo; view: 'unified' | 'split'; ignoresSpace: boolean },
  file: { diff: DiffFile; html: string; before: Tree; after: Tree },
): Promise<void> {
  const { diff, html } = file;
  const before = diff.status === 'added' ? nothing : file.before.get(diff.oldPath)!;
  const after = diff.status === 'deleted' ? nothing : file.after.get(diff.newPath)!;
  if (diff.binary) {
    expect(html).toMatch(/Binary: .* → /);
    return;
  }
  expect(html).not.toContain('too large to show');
  if (diff.hunks.length === 0) {
    const [old, young] = [before, after].map((each) => linesOf(each).join('\n'));
    if (shown.ignoresSpace) expect(old!.replaceAll(/\s/g, '')).toBe(young!.replaceAll(/\s/g, ''));
    else expect(before.content.equals(after.content)).toBe(true);
    return;
  }
  const sides: Sides = { old: new Map(), new: new Map() };
  for (const row of rowsOf(html)) if (!row.startsWith('<tr class="hunk')) readRow(sides, row);
  await fill(sides, html, { ...shown, isSplit: html.includes('diff split') });
  expectSide(sides.new, after, true);
  expectSide(sides.old, before, !shown.ignoresSpace);
}

test('any two trees: both sides of each file, in one column or two, with white space or without, are its blobs', async () => {
  const { forge, repo: addRepo, repoFolder } = await open();
  const repo = await addRepo('ada/app');
  const folder = repoFolder(repo);
  const way = fc.record({ view: fc.constantFrom('unified', 'split'), ignoresSpace: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(twoTrees, way, async ({ before, after }, { view, ignoresSpace }) => {
      const baseOid = await commitTree(forge.git, folder, { name: 'before', tree: before });
      const headOid = await commitTree(forge.git, folder, { name: 'after', tree: after });
      const diff = await diffBetween(forge, { repoId: repo.id, baseOid, headOid, ignoresSpace });
      const changes = await viewChanges(forge, {
        repoId: repo.id,
        diff,
        ignoresSpace,
        moreHref: String,
        filesBase: `/ada/app/blob/${headOid}/`,
      });
      expect(changes.files).toHaveLength(diff.files.length);
      for (const [index, file] of changes.files.entries()) {
        const page = { assets: '/assets/1', diff: { view } };
        const html = renderToString('_changed_files.njk', { page, changes: { files: [file] } });
        await expectFile(
          { forge, repo, view, ignoresSpace },
          { diff: diff.files[index]!, html, before, after },
        );
      }
    }),
    // The same trees in every run of the tests; SIDES_RUNS=300 tries as many others.
    { ...(runs === undefined ? { seed: 15 } : {}), numRuns: Number(runs ?? 15), endOnFailure: true },
  );
});

test('a line of ten million characters is cut, says so, and takes nothing from the lines around it', async () => {
  const { forge, repo: addRepo, repoFolder } = await open();
  const repo = await addRepo('ada/app');
  const folder = repoFolder(repo);
  const huge = 'y'.repeat(10_000_000);
  const tree = (first: string): Tree =>
    new Map([['huge.txt', { mode: '100644', content: Buffer.from(`${first}\n${huge}\nlast\n`) }]]);
  const baseOid = await commitTree(forge.git, folder, { name: 'before', tree: tree('one') });
  const headOid = await commitTree(forge.git, folder, { name: 'after', tree: tree('two') });
  const diff = await diffBetween(forge, { repoId: repo.id, baseOid, headOid });
  const { files } = await viewChanges(forge, { repoId: repo.id, diff, moreHref: String });
  const page = { assets: '/assets/1', diff: { view: 'split' } };
  const html = renderToString('_changed_files.njk', { page, changes: { files: files.slice(0, 1) } });
  expect(html.length).toBeLessThan(30_000);
  const sides: Sides = { old: new Map(), new: new Map() };
  for (const row of rowsOf(html)) if (!row.startsWith('<tr class="hunk')) readRow(sides, row);
  for (const [side, first] of [
    ['old', 'one'],
    ['new', 'two'],
  ] as const) {
    expect([...sides[side].values()].map(({ text, cut }) => [text.slice(0, 4), cut])).toEqual([
      [first, 0],
      ['yyyy', 10_000_000 - 4000],
      ['last', 0],
    ]);
  }
});
