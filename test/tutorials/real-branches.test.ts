// Twelve branches out of the history of this project, as bundles of git, and the outlines that are written for them. The
// outlines are kept beside them, to be read by eye whenever they change.
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { scanRepo } from '../../src/branches/scan.ts';
import { findOpenBranch, getRevision } from '../../src/branches/find.ts';
import { diffBetween } from '../../src/repos/diff-between.ts';
import { generatedReason } from '../../src/repos/file-view.ts';
import { repoPath } from '../../src/repos/path.ts';
import { hunksOf } from '../../src/tutorials/coverage.ts';
import type { TutorialBody } from '../../src/tutorials/model.ts';
import { readInput } from '../../src/tutorials/read-input.ts';
import { writeOutline } from '../../src/tutorials/writers/outline.ts';
import { sourceOfTest } from '../../src/tutorials/writers/roles.ts';
import { openTestForge } from '../support/forge.ts';

const folder = new URL('branches/', import.meta.url).pathname;
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.bundle'))
  .map((name) => name.slice(0, -'.bundle'.length))
  .toSorted();

/** The outline as a person reads it. */
function textOf({ summary, steps }: TutorialBody): string {
  const parts = steps.map(({ title, intent, prose, hunks, folded }, index) => {
    const paths = Map.groupBy(hunks, ({ path }) => path);
    const files = [...paths].map(
      ([path, of]) => `   - ${path}${of.length > 1 ? ` (${of.length} hunks)` : ''}`,
    );
    const head = `${index + 1}. ${title}${folded ? ' (folded)' : ''}`;
    const told = [intent, prose].filter(Boolean).map((text) => text.replaceAll(/^/gm, '   '));
    return [head, ...told, ...files].join('\n');
  });
  return `${[summary, ...parts].join('\n\n')}\n`;
}

test('twelve real branches get outlines that cover them, in at most twelve steps that a reader finds sensible', async () => {
  expect(names).toHaveLength(12);
  const testForge = await openTestForge();
  const { forge } = testForge;
  for (const name of names) {
    const repo = await testForge.repo(`ada/${name}`);
    const bundle = `${folder}${name}.bundle`;
    const at = { repo: repoPath(forge, repo.id) };
    for (const line of (await forge.git.text(['bundle', 'unbundle', bundle], at)).trim().split('\n')) {
      const [oid = '', ref = ''] = line.split(' ');
      await forge.git.text(['update-ref', ref, oid], at);
    }
    await scanRepo(forge, repo);
    const branch = findOpenBranch(forge, repo.id, 'topic')!;
    const revision = getRevision(forge, branch.id, 1);
    const body = writeOutline(await readInput(forge, branch, revision));
    await expect(textOf(body), name).toMatchFileSnapshot(`branches/${name}.txt`);

    const { baseOid, headOid } = revision;
    const diff = await diffBetween(forge, { repoId: repo.id, baseOid, headOid });
    const given = body.steps.flatMap(({ hunks }) => hunks).map((key) => JSON.stringify(key));
    const wanted = diff.files.flatMap(hunksOf).map((key) => JSON.stringify(key));
    expect(given.toSorted(), name).toEqual(wanted.toSorted());
    expect(body.steps.length, name).toBeLessThanOrEqual(12);
    expect(new Set(body.steps.map(({ title }) => title)).size, name).toBe(body.steps.length);
    for (const { hunks, folded } of body.steps.slice(0, -1)) {
      const isGenerated = hunks.every(({ path }) => generatedReason(path) !== undefined);
      expect(folded || isGenerated, `${name}: generated files come last`).toBe(false);
    }
    // A test is in a step with some of the source it tests.
    const paths = new Set(diff.files.map(({ newPath }) => newPath));
    for (const path of paths) {
      const source = sourceOfTest(path, paths);
      const reads = (wantedPath: string | undefined) =>
        body.steps.filter(({ hunks }) => hunks.some((key) => key.path === wantedPath));
      if (source !== undefined)
        expect(
          reads(path).some((step) => reads(source).includes(step)),
          `${name}: ${path}`,
        ).toBe(true);
    }
  }
  await testForge.dispose();
});
