import { describe, expect, test } from 'vitest';
import type { LaneSpec } from '../../src/ci/manifest/manifest.ts';
import { readLanes } from '../../src/ci/manifest/manifest.ts';
import { changedPaths } from '../../src/ci/manifest/changed-paths.ts';
import { selectLanes } from '../../src/ci/manifest/selection.ts';
import { pushBranch } from '../support/ci.ts';
import { useForge } from '../support/forge.ts';

const lanes: LaneSpec[] = readLanes(
  `[[lane]]
id = "always"
command = "true"
[[lane]]
id = "source"
command = "true"
paths = ["src/**", "!src/**/*.md"]
[[lane]]
id = "docs"
command = "true"
paths = ["**/*.md", ".github/**"]
`,
  { maxLanesPerManifest: 9, maxLaneMinutes: 60 },
);
const select = (changed: string[] | undefined) => [...selectLanes(lanes, changed)].join(' ');

describe('selection', () => {
  test.each([
    [['src/a/b.ts'], 'always source'],
    [['src/a.md'], 'always docs'],
    [['.github/x.yml'], 'always docs'],
    [['other'], 'always'],
    [['other', 'src/x'], 'always source'],
    [['.pika/lanes.toml'], 'always source docs'],
    [[], 'always source docs'],
    [undefined, 'always source docs'],
  ])('of %j runs %s', (changed, expected) => {
    expect(select(changed)).toBe(expected);
  });

  test('D3: patterns made to hold up the forge do not: what is too much to tell runs every lane', () => {
    const hostile = Array.from({ length: 100 }, (_unused, index) => `${'*a'.repeat(400)}b${index}`);
    const lane = { ...lanes[0]!, key: 'hostile', paths: hostile };
    const paths = Array.from({ length: 100 }, (_unused, index) => 'a'.repeat(2000) + index);
    expect([...selectLanes([lane], paths.slice(0, 1))]).toEqual([]);
    expect([...selectLanes([lane], paths)]).toEqual(['hostile']);
  });

  test('sees both names of a rename, and names with newlines', async () => {
    const testForge = await useOne();
    const { forge } = testForge;
    const repo = await testForge.repo('demo/app', { files: { 'old.txt': 'the same text\n'.repeat(20) } });
    const branch = await pushBranch(forge, repo, {
      name: 'move',
      files: { 'old.txt': null, 'new.txt': 'the same text\n'.repeat(20), 'sr\nc/x': 'y' },
    });
    const base = (
      await forge.git.text(['rev-parse', 'refs/heads/main'], { repo: testForge.repoFolder(repo) })
    ).trim();
    const changed = await changedPaths(forge.git, {
      repo: testForge.repoFolder(repo),
      base,
      head: branch.headOid,
    });
    expect(changed?.sort()).toEqual(['new.txt', 'old.txt', 'sr\nc/x']);
  });

  test('cannot tell without a common history', async () => {
    const { forge } = await useOne();
    expect(await changedPaths(forge.git, { repo: '/nowhere', base: undefined, head: 'x' })).toBeUndefined();
  });
});

const useOne = useForge();
