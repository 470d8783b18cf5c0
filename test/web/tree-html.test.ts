import { expect, test } from 'vitest';
import { treeRows } from '../../src/web/tree-html.ts';

const file = {
  name: '<b>"a"&.ts',
  anchor: 'file-1',
  letter: 'M',
  statusClass: 'changed',
  plus: 3,
  minus: 1,
  title: '+3 −1',
};

test('a row of the tree of files says what it is called, how much changes and what is said of it, and no name is markup', () => {
  const html = treeRows([file], { 'file-1': { isViewed: true, threads: 2 } }, '/assets/1');
  expect(html).toContain('<span class="name">&lt;b&gt;&quot;a&quot;&amp;.ts</span>');
  expect(html).toContain('class="tree-row viewed" href="#file-1"');
  expect(html).toContain('<span class="file-status changed">M</span>');
  expect(html).toContain('aria-label="+3 −1"');
  expect(html).toContain('class="plus" width="3" height="4"/><rect class="minus" x="3" width="1" ');
  expect(html).toContain('2<span class="visually-hidden"> open threads</span>');
  expect(html).toContain('/assets/1/icons.svg#i-success');
  const plain = treeRows([file], undefined, '/assets/1');
  expect(plain).not.toContain('viewed');
  expect(plain).not.toContain('thread');
  const unread = treeRows([file], { 'file-1': { isViewed: false, threads: 0 } }, '/assets/1');
  expect(unread).toContain('class="viewed-mark not" data-viewed-mark');
  expect(unread).not.toContain('thread');
  const asked = treeRows([file], { 'file-1': { isViewed: undefined, threads: 1 } }, '/assets/1');
  expect(asked).toContain('1<span class="visually-hidden"> open thread</span>');
  expect(asked).not.toContain('viewed');
});
