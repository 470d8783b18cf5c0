import { expect, test } from 'vitest';
import { treeParts } from '../../src/web/tree-html.ts';

const file = {
  name: '<b>"a"&.ts',
  anchor: 'file-1',
  letter: 'M',
  statusClass: 'changed',
  plus: 3,
  minus: 1,
  title: '+3 −1',
};

const row = (mark: { isViewed: boolean | undefined; threads: number } | undefined): string =>
  treeParts([{ name: '', files: [file] }], mark && { 'file-1': mark }, '/assets/1').first;

test('a row of the tree of files says what it is called, how much changes and what is said of it, and no name is markup', () => {
  const html = row({ isViewed: true, threads: 2 });
  expect(html).toContain('<span class="name">&lt;b&gt;&quot;a&quot;&amp;.ts</span>');
  expect(html).toContain('class="tree-row viewed" href="#file-1"');
  expect(html).toContain('<span class="file-status changed">M</span>');
  expect(html).toContain('aria-label="+3 −1"');
  expect(html).toContain('class="plus" width="3" height="4"/><rect class="minus" x="3" width="1" ');
  expect(html).toContain('2<span class="visually-hidden"> open threads</span>');
  expect(html).toContain('/assets/1/icons.svg#i-success');
  const plain = row(undefined);
  expect(plain).not.toContain('viewed');
  expect(plain).not.toContain('thread');
  const unread = row({ isViewed: false, threads: 0 });
  expect(unread).toContain('class="viewed-mark not" data-viewed-mark');
  expect(unread).not.toContain('thread');
  const asked = row({ isViewed: undefined, threads: 1 });
  expect(asked).toContain('1<span class="visually-hidden"> open thread</span>');
  expect(asked).not.toContain('viewed');
});

const anchors = (html: string): string[] => [...html.matchAll(/href="#([^"]+)"/g)].map((found) => found[1]!);

test('the first hundred files stand in the tree, and every other one in the rest, a hundred in each list of a folder', () => {
  const files = Array.from({ length: 350 }, (_unused, at) => ({ ...file, anchor: `file-${at}` }));
  const folders = [
    { name: '', files: files.slice(0, 2) },
    { name: 'a&b', files: files.slice(2, 340) },
    { name: 'c', files: files.slice(340) },
  ];
  const { first, rest, left } = treeParts(folders, undefined, '/assets/1');
  expect(left).toBe(250);
  expect(anchors(first)).toEqual(files.slice(0, 100).map(({ anchor }) => anchor));
  expect(anchors(rest)).toEqual(files.slice(100).map(({ anchor }) => anchor));
  // What is left of a folder is named again for whoever has no script, and says that it began before.
  expect(rest.startsWith('<li data-continued><span class="tree-row folder">')).toBe(true);
  expect(rest).toContain('<span class="name" title="a&amp;b">a&amp;b</span></span><ul>');
  expect(rest.match(/<ul>/g)).toHaveLength(4);
  expect(rest).toContain('\n<li><span class="tree-row folder">');
  expect(treeParts(folders.slice(0, 1), undefined, '/assets/1')).toMatchObject({ rest: '', left: 0 });
});
