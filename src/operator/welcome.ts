// The sample repository of the first start: welcome/tour, with one merged and one open branch. It is made with the
// forge's own verbs, so what a visitor sees is the product at work and not a picture of it.
import { once } from 'node:events';
import { systemCaller } from '../accounts/system.ts';
import { findBranch } from '../branches/find.ts';
import { scanRepo } from '../branches/scan.ts';
import { runOf } from '../ci/find.ts';
import type { Forge } from '../forge/open.ts';
import { resolveBranch } from '../git/refs.ts';
import { mergeBranch } from '../landing/merge/merge.ts';
import type { Slots } from '../lib/slot.ts';
import { createRepo } from '../repos/create-repo.ts';
import { findRepo } from '../repos/find.ts';
import type { Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { tourStream } from './tour.ts';

const owner = 'welcome';
const name = 'tour';

export interface WelcomeParts {
  mergeSlots: Slots;
  isFirstStart: boolean;
  signal: AbortSignal;
}

/**
 * Makes the tour on the first start; a start that was cut short is carried on by the next one. Never fails the
 * forge: what goes wrong is logged.
 */
export async function welcomeVisitors(forge: Forge, parts: WelcomeParts): Promise<void> {
  try {
    const existing = findRepo(forge, owner, name);
    if (existing === undefined && !parts.isFirstStart) return;
    const repo = existing ?? (await createTour(forge));
    await pushOnce(forge, repo, 'main');
    await showMergedBranch(forge, repo, parts);
    if (!parts.signal.aborted) await pushOnce(forge, repo, 'pick-a-language');
  } catch (error) {
    if (!parts.signal.aborted) forge.log.warn({ err: error }, 'the sample repository could not be finished');
  }
}

function createTour(forge: Forge): Promise<Repo> {
  const description = 'A small sample: one branch that landed, one that waits for you.';
  return createRepo(forge, { owner, name, visibility: 'public', description, caller: systemCaller(forge) });
}

/** Brings a branch in as a push would, unless the tour had it before. */
async function pushOnce(forge: Forge, repo: Repo, branch: string): Promise<void> {
  const path = repoPath(forge, repo.id);
  const isKnown =
    branch === 'main'
      ? (await resolveBranch(forge.git, path, branch)) !== undefined
      : forge.db.get('SELECT 1 FROM branches WHERE repo_id = :repoId AND name = :branch', {
          repoId: repo.id,
          branch,
        });
  if (isKnown) return;
  await forge.git.run(['fast-import', '--quiet'], {
    repo: path,
    input: tourStream(branch, forge.clock.now()),
  });
  await scanRepo(forge, repo);
}

async function showMergedBranch(forge: Forge, repo: Repo, parts: WelcomeParts): Promise<void> {
  await pushOnce(forge, repo, 'greet-politely');
  const branch = findBranch(forge, repo.id, 1);
  if (branch === undefined || branch.state !== 'open') return;
  await runEnded(forge, branch.id, parts.signal);
  if (parts.signal.aborted) return;
  const caller = systemCaller(forge);
  await mergeBranch(forge, { repo, branch, caller, expectedHead: branch.headOid, slots: parts.mergeSlots });
}

async function runEnded(forge: Forge, branchId: number, signal: AbortSignal): Promise<void> {
  const ended = forge.events.next('run-finished', (fact) => fact.branchId === branchId);
  const run = runOf(forge, { branchId, revision: 1 });
  if (run?.finishedAt !== undefined || signal.aborted) return;
  await Promise.race([ended, once(signal, 'abort')]);
}
