import express from 'express';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { afterAll, describe, expect, test } from 'vitest';
import { createToken } from '../../src/accounts/create-token.ts';
import { identify } from '../../src/accounts/guard.ts';
import { anonymous } from '../../src/accounts/model.ts';
import { findOpenBranch, getRevision } from '../../src/branches/find.ts';
import { scanRepo } from '../../src/branches/scan.ts';
import type { FileView } from '../../src/repos/file-view.ts';
import { changesData, changesPages } from '../../src/front/changes.ts';
import { tutorialData } from '../../src/front/tutorial.ts';
import { generateTutorials } from '../../src/tutorials/desk.ts';
import { outlineWriter } from '../../src/tutorials/writers/outline.ts';
import { tutorialSections, type Guide } from '../../src/tutorials/view.ts';
import { answerErrors } from '../../src/web/errors.ts';
import { renderToString } from '../../src/web/render.ts';
import { closeRenderPool } from '../../src/web/render-pool.ts';
import { useForge, type TestForgeOptions } from '../support/forge.ts';
import { pushFiles, type Files } from '../support/push-files.ts';

const open = useForge();
afterAll(closeRenderPool);

async function pushed(files: Files, options: TestForgeOptions = {}) {
  const testForge = await open(options);
  const { forge, repoFolder } = testForge;
  const repo = await testForge.repo('ada/app', { files: { 'a.txt': 'a\n' } });
  await pushFiles(forge.git, { repo: repoFolder(repo), branch: 'change', from: 'refs/heads/main', files });
  await scanRepo(forge, repo);
  const branch = findOpenBranch(forge, repo.id, 'change')!;
  const revision = getRevision(forge, branch.id, branch.revision);
  const changes = (await changesData(forge, { repo, branch, revision, caller: anonymous('') })) as {
    files: FileView[];
    left: number;
    moreHref: string | undefined;
    count: number;
  };
  return { testForge, forge, repo, branch, changes };
}

const linesOf = (files: readonly FileView[]): number =>
  files.flatMap((file) => file.hunks).reduce((sum, hunk) => sum + hunk.rows.length, 0);
const text = (lines: number): string => 'a line\n'.repeat(lines);

describe('D2: a page has bounds, and says what it leaves out', () => {
  test('files come in parts of thirty, or fewer when they are long', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `f${String(index).padStart(2, '0')}`);
    const short = await pushed(Object.fromEntries(names.map((name) => [name, text(2)])));
    expect(short.changes).toMatchObject({ count: 40, left: 10 });
    expect(short.changes.moreHref).toBe('/ada/app/branches/1/diff?revision=1&from=30');
    const long = await pushed(Object.fromEntries(names.map((name) => [name, text(2000)])));
    expect(long.changes.files).toHaveLength(3);
    expect(long.changes.moreHref).toContain('from=3');
  });

  test('a very long file is folded and cut, with both said', async () => {
    const { changes } = await pushed({ 'long.txt': text(12_000) });
    expect(linesOf(changes.files)).toBe(5000);
    expect(changes.files[0]).toMatchObject({ folded: true, added: 12_000 });
    expect(changes.files[0]!.notes).toEqual([
      'Folded: 12000 lines of difference.',
      '7000 more lines are left out here; fetch the branch to read them.',
    ]);
  });

  test('a tutorial of many long files comes in parts, in which every file is shown once', async () => {
    const files = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`f${index}.txt`, text(4000)]));
    const { forge, branch } = await pushed(files);
    await generateTutorials(forge, outlineWriter);
    const guide = await tutorialSections(forge, branch);
    expect(linesOf(guide.steps!.flatMap((step) => step.files))).toBeLessThan(9000);
    const shown: string[] = [];
    for (const { number } of guide.steps!) {
      for (let from: number | undefined = 0; from !== undefined;) {
        const { only } = await tutorialSections(forge, branch, { only: number, from });
        shown.push(...only!.files.map(({ name }) => name));
        expect(only!.files.length).toBeGreaterThan(0);
        from = only!.left > 0 ? only!.nextFile : undefined;
      }
    }
    expect(shown.toSorted()).toEqual(Object.keys(files).toSorted());
  });

  test('a difference over every limit is called too large, not empty', async () => {
    const settings = { limits: { maxDiffBytes: 50 } };
    const { forge, branch, changes } = await pushed({ 'b.txt': 'b\n' }, { settings });
    const page = { assets: '/assets/1' };
    const tab = renderToString('_changes.njk', { page, changes });
    expect(tab).toContain('too large to show whole');
    expect(tab).not.toContain('Nothing changes');
    await generateTutorials(forge, outlineWriter);
    const guide = await tutorialSections(forge, branch);
    const tutorial = renderToString('tutorials/_tutorial.njk', { page, guide });
    expect(tutorial).toContain('too large to show whole');
    expect(tutorial).not.toContain('Nothing changes');
  });
});

test('a tutorial shows the images of its steps as the changes do', async () => {
  const { forge, repo, branch, changes } = await pushed({ 'drawn.svg': '<svg/>\n' });
  await generateTutorials(forge, outlineWriter);
  const { guide } = await tutorialData(forge, { repo, branch, caller: anonymous('') });
  const [image] = (guide as Guide).steps!.flatMap(({ files }) => files[0]?.images ?? []);
  expect(image?.href).toMatch(/^\/ada\/app\/raw\/[0-9a-f]{40}\/drawn\.svg\?image=svg$/);
  expect(changes.files[0]).toMatchObject({ images: [image] });
});

test('further files: a fragment for the script, a whole page for a link, and nothing for those who may not read', async () => {
  const names = Array.from({ length: 31 }, (_, index) => `f${String(index).padStart(2, '0')}`);
  const { testForge, forge, changes } = await pushed(Object.fromEntries(names.map((name) => [name, 'x\n'])));
  const app = express().use(
    identify(forge, () => true),
    changesPages(forge),
    answerErrors(forge.log),
  );
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  testForge.defer(() => void server.close());
  testForge.defer(() => void server.closeAllConnections());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { account } = testForge.account('ada', 'admin');
  const authorization = `Bearer ${createToken(forge, { accountId: account.id, scope: 'read' })}`;
  // Not fetch, which sets Sec-Fetch-Mode itself.
  const ask = async (path: string, headers: Record<string, string>) => {
    const [answer] = (await once(
      get(origin + path, { headers: { accept: 'text/html', ...headers } }),
      'response',
    )) as [IncomingMessage];
    return { status: answer.statusCode!, vary: answer.headers.vary, html: await readText(answer) };
  };

  const fragment = await ask(changes.moreHref!, { authorization });
  expect(fragment.vary).toContain('Sec-Fetch-Mode');
  const files = fragment.html;
  expect(files).toContain('<b>f30</b>');
  expect(files).not.toContain('<!doctype html>');
  const page = (await ask(changes.moreHref!, { authorization, 'sec-fetch-mode': 'navigate' })).html;
  expect(page).toContain('<!doctype html>');
  expect(page).toContain('<b>f30</b>');

  expect((await ask(changes.moreHref!, {})).status).toBeGreaterThanOrEqual(401);
  const nowhere = ['revision=9', 'revision=1&at=file-000000000000'];
  for (const query of [...nowhere, 'revision=0', 'revision=1&from=-1', 'revision=1&at=README', '']) {
    const { status } = await ask(`/ada/app/branches/1/diff?${query}`, { authorization });
    expect(status, query).toBe(nowhere.includes(query) ? 404 : 400);
  }
});
