import { afterAll, expect, test } from 'vitest';
import { viewChanges } from '../../src/repos/changes-view.ts';
import { diffBetween } from '../../src/repos/diff-between.ts';
import { renderToString } from '../../src/web/render.ts';
import { closeRenderPool } from '../../src/web/render-pool.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles, type Files } from '../support/push-files.ts';

const open = useForge();
afterAll(closeRenderPool);

const block = [
  'function parseHeader(text) {',
  '  const parts = text.split(":");',
  '  return parts[0].trim();',
  '}',
];
const filler = Array.from({ length: 12 }, (_, index) => `const filler${index} = ${index};`);
const join = (...parts: readonly (readonly string[])[]): string => `${parts.flat().join('\n')}\n`;
const indented = block.map((line) => `  ${line}`);

/** The page of the difference between two states: which lines are marked as moved, and the HTML of each file. */
async function shown(before: Files, after: Files) {
  const { forge, repo: addRepo, repoFolder } = await open();
  const repo = await addRepo('ada/app', { files: before });
  const folder = repoFolder(repo);
  const baseOid = await forge.git.text(['rev-parse', 'refs/heads/main'], { repo: folder });
  const headOid = await pushFiles(forge.git, {
    repo: folder,
    branch: 'change',
    from: 'refs/heads/main',
    files: after,
  });
  const diff = await diffBetween(forge, { repoId: repo.id, baseOid: baseOid.trim(), headOid });
  const rawBases = { old: '/ada/app/raw/old/', new: '/ada/app/raw/new/' };
  const { files } = await viewChanges(forge, { repoId: repo.id, diff, moreHref: String, rawBases });
  const page = { assets: '/assets/1', diff: { view: 'unified' } };
  return {
    moved: files.flatMap(({ name, hunks }) =>
      hunks.flatMap(({ rows }) =>
        rows.flatMap((row) =>
          row.moved === undefined ? [] : [`${name} ${row.kind} ${row.moved.note ?? ''}`],
        ),
      ),
    ),
    html: files.map((file) => renderToString('_changed_files.njk', { page, changes: { files: [file] } })),
  };
}

test('a block that goes to another file, indented anew, is marked on both sides and says where the other is', async () => {
  const { moved, html } = await shown(
    { 'a.js': join(filler, block, filler), 'b.js': join(filler) },
    { 'a.js': join(filler, filler), 'b.js': join(filler, indented) },
  );
  expect(moved).toEqual([
    'a.js removed moved to b.js:13',
    ...Array.from({ length: 3 }, () => 'a.js removed '),
    'b.js added moved from a.js:13',
    ...Array.from({ length: 3 }, () => 'b.js added '),
  ]);
  expect(html[1]!.match(/class="add moved"/g)).toHaveLength(4);
  expect(html[1]).toContain('moved from a.js:13');
});

test('what is indented anew in its place, what is short, and what was copied is not called moved', async () => {
  const inPlace = await shown({ 'a.js': join(filler, block) }, { 'a.js': join(filler, indented) });
  expect(inPlace.moved).toEqual([]);
  const short = ['}', '', 'return x;'];
  const braces = await shown(
    { 'a.js': join(filler, short, filler), 'b.js': join(filler) },
    { 'a.js': join(filler, filler), 'b.js': join(filler, short) },
  );
  expect(braces.moved).toEqual([]);
  const copied = await shown({ 'a.js': join(block), 'b.js': join(filler) }, { 'b.js': join(filler, block) });
  expect(copied.moved).toEqual([]);
});

test('one block that comes twice was moved once', async () => {
  const { moved } = await shown(
    { 'a.js': join(filler, block, filler), 'b.js': join(filler), 'c.js': join(filler) },
    { 'a.js': join(filler, filler), 'b.js': join(filler, block), 'c.js': join(filler, block) },
  );
  expect(moved.filter((line) => line.includes(' added '))).toHaveLength(4);
});

test('an image is shown before and after with its size; a file that only has the name of one is not', async () => {
  const image = (...bytes: number[]): Buffer => Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, ...bytes]);
  const { html } = await shown(
    { 'a b.png': image(1), 'fake.png': 'text\n', 'drawn.svg': '<svg/>\n', 'gone.gif': image(2) },
    { 'a b.png': image(1, 2), 'fake.png': 'other\n', 'drawn.svg': '<svg></svg>\n', 'gone.gif': null },
  );
  const sources = html.map((file) => [...file.matchAll(/<img src="([^"]*)"/g)].map(([, source]) => source));
  expect(sources).toEqual([
    ['/ada/app/raw/old/a%20b.png', '/ada/app/raw/new/a%20b.png'],
    ['/ada/app/raw/old/drawn.svg?image=svg', '/ada/app/raw/new/drawn.svg?image=svg'],
    [],
    ['/ada/app/raw/old/gone.gif'],
  ]);
  expect(html[0]).toContain('7 B');
  expect(html[0]).toContain('Binary: 6 B → 7 B.');
});
