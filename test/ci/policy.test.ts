import { describe, expect, test } from 'vitest';
import { createMissingRuns } from '../../src/ci/scheduler/create-run.ts';
import { listLanes } from '../../src/ci/find.ts';
import { finishAttempt } from '../../src/ci/scheduler/finish.ts';
import { claimLanes } from '../../src/ci/scheduler/claim.ts';
import type { Run } from '../../src/ci/model.ts';
import { laneHolds } from '../../src/ci/scheduler/verdict.ts';
import type { Forge } from '../../src/forge/open.ts';
import { manifest, pushBranch, runOfBranch } from '../support/ci.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles, type Files } from '../support/push-files.ts';

const open = useForge({ settings: { ci: { concurrency: 9 } } });
const order = { owner: 'test', sandbox: 'none', unsatisfiable: undefined };
const lane = (id: string, more = '') => `id = "${id}"\ncommand = "true"\n${more}`;

/** A repository whose main has one manifest, and a branch that brings another (or none of its own). */
async function changeManifest(target: Files, branchFiles: Files) {
  const testForge = await open();
  const { forge } = testForge;
  const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x', ...target } });
  const branch = await pushBranch(forge, repo, { name: 'work', files: branchFiles });
  await createMissingRuns(forge);
  const run = runOfBranch(forge, branch);
  const holds = () => laneHolds(forge, { repo, headOid: branch.headOid }).map(({ key }) => key);
  return { testForge, forge, repo, branch, run, holds };
}

const shown = (forge: Forge, run: Run) =>
  listLanes(forge, run.id).map(({ key, required, extras, attempt }) =>
    [key, required ? 'required' : 'optional', extras.requiredByTarget ?? '', attempt.state].join(' '),
  );

function succeedAll(forge: Forge): void {
  for (let turn = 0; turn < 9; turn += 1) {
    for (const claim of claimLanes(forge, order)) finishAttempt(forge, claim, { state: 'success' });
  }
}

describe('L2: what the target branch requires', () => {
  test('holds the gate although the branch dropped the lane, until the lane of the target succeeds', async () => {
    const { forge, run, holds } = await changeManifest(
      manifest(lane('unit'), lane('lint')),
      manifest(lane('lint')),
    );
    expect(shown(forge, run)).toEqual(['lint required  queued', 'unit required absent queued']);
    const claims = claimLanes(forge, order);
    finishAttempt(forge, claims[0]!, { state: 'success' });
    expect(holds()).toEqual(['unit']);
    expect(forge.db.get('SELECT state FROM runs')).toEqual({ state: 'running' });
    finishAttempt(forge, claims[1]!, { state: 'success' });
    expect(holds()).toEqual([]);
  });

  test('holds although the branch made the lane optional', async () => {
    const { forge, run, holds } = await changeManifest(
      manifest(lane('unit')),
      manifest(lane('unit', 'required = false')),
    );
    expect(shown(forge, run)).toEqual(['unit required optional queued']);
    const [claim] = claimLanes(forge, order);
    finishAttempt(forge, claim!, { state: 'failed', failureKind: 'test_failure', exitCode: 1 });
    expect(holds()).toEqual(['unit']);
  });

  test('holds although the branch took the whole manifest away, and runs the lanes with what they need', async () => {
    const { forge, run, holds } = await changeManifest(
      manifest(
        lane('build', 'required = false'),
        lane('unit', 'needs = ["build"]'),
        lane('extra', 'required = false'),
      ),
      { '.pika/lanes.toml': null, 'a.txt': 'a' },
    );
    expect(shown(forge, run)).toEqual(['build optional absent queued', 'unit required absent queued']);
    expect(holds()).toEqual(['unit']);
    succeedAll(forge);
    expect(holds()).toEqual([]);
  });

  test('is as new as the target: an older branch runs what the target requires by now, by its paths too', async () => {
    const testForge = await open();
    const { forge } = testForge;
    const old = manifest(lane('unit', 'paths = ["docs/**"]'));
    const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x', ...old } });
    await pushBranch(forge, repo, { name: 'work', files: { 'a.txt': 'a' } });
    const files = manifest(lane('unit', 'paths = ["src/**"]'), lane('lint'));
    await pushFiles(forge.git, { repo: testForge.repoFolder(repo), branch: 'main', files });
    const branch = await pushBranch(forge, repo, { name: 'work', files: { 'src/a.ts': 'a' } });
    await createMissingRuns(forge);
    expect(shown(forge, runOfBranch(forge, branch))).toEqual([
      'unit required  queued',
      'lint required absent queued',
    ]);
  });

  test('is read from the commit of the target, which the run names', async () => {
    const { testForge, forge, repo, run } = await changeManifest(manifest(lane('unit')), { 'a.txt': 'a' });
    const main = await forge.git.text(['rev-parse', 'refs/heads/main'], { repo: testForge.repoFolder(repo) });
    expect(run.policyOid).toBe(main.trim());
    expect(shown(forge, run)).toEqual(['unit required  queued']);
  });

  test('is nothing where the manifest of the target is malformed, so that the branch that corrects it can land', async () => {
    const { forge, run } = await changeManifest(
      { '.pika/lanes.toml': '[[lane]]\nid = ' },
      manifest(lane('unit', 'required = false')),
    );
    expect(run.problem).toBeUndefined();
    expect(shown(forge, run)).toEqual(['unit optional  queued']);
  });
});

describe('L2: secrets', () => {
  test('go to a lane only when the lane of that id on the target asks for them too', async () => {
    const { forge, run } = await changeManifest(
      manifest(lane('publish', 'secrets = ["NPM_TOKEN"]'), lane('unit')),
      manifest(
        lane('publish', 'secrets = ["NPM_TOKEN", "DEPLOY_KEY"]'),
        lane('unit', 'secrets = ["NPM_TOKEN"]'),
        lane('new', 'secrets = ["NPM_TOKEN"]'),
      ),
    );
    const secrets = listLanes(forge, run.id).map(({ key, extras }) => ({
      key,
      given: extras.secrets,
      refused: extras.refusedSecrets ?? [],
    }));
    expect(secrets).toEqual([
      { key: 'publish', given: ['NPM_TOKEN'], refused: ['DEPLOY_KEY'] },
      { key: 'unit', given: [], refused: ['NPM_TOKEN'] },
      { key: 'new', given: [], refused: ['NPM_TOKEN'] },
    ]);
  });
});
