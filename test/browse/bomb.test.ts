// D1: a dozen objects that spell ten thousand million files are a page like any other, and never walked to the end.
import { expect, test } from 'vitest';
import { findLeftovers } from '../support/leftovers.ts';
import { useForge } from '../support/forge.ts';
import { makeBomb } from '../support/git-bomb.ts';
import { stageFiles } from './stage-repo.ts';

const open = useForge();

test('D1: no page of files walks through a tree without end', { timeout: 60_000 }, async () => {
  const it = await open();
  const { ask, api, text, folder } = await stageFiles(it, { 'a.txt': '1\n' });
  const { limits } = it.forge.config;
  limits.readSeconds = 1;
  limits.maxSearchNames = 5000;
  const tree = await makeBomb(it.forge.git, folder, { levels: 10, width: 10 });
  await text('update-ref', 'refs/heads/bomb', await text('commit-tree', '-m', 'Boom', tree));
  const pages: [path: string, status: number, said: string][] = [
    ['tree/bomb', 200, 'd9'],
    ['tree/bomb/d0/d1/d2', 200, 'd9'],
    ['tree/bomb?with=commits', 200, 'Boom'],
    ['blob/bomb/d0/d0/d0/d0/d0/d0/d0/d0/d0/d0', 200, 'boom'],
    ['search/bomb?in=names&q=d3', 200, 'not every file could be listed'],
    ['search/bomb?q=boom', 200, 'More files have it'],
    ['search/bomb?q=nothing', 200, 'The search was stopped after 1 s'],
    ['archive/bomb.zip', 413, 'too many for an archive'],
  ];
  for (const [path, status, said] of pages) {
    const before = Date.now();
    const answer = await ask(`/ada/app/${path}`);
    expect(answer.status, path).toBe(status);
    expect(answer.text, path).toContain(said);
    expect(Date.now() - before, path).toBeLessThan(10_000);
  }
  limits.readSeconds = 30;
  expect((await api('/ada/app/search/bomb/d1?in=names&q=d3'))['isWhole']).toBe(false);
  const names = await api('/ada/app/search/bomb?in=names');
  expect(names['total']).toBe(5000);
  expect((await findLeftovers(it.folder)).join(' ')).not.toMatch(/ (?:grep|log|archive|ls-tree) /);
});
