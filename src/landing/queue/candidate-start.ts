// Puts a candidate under test: its commits are made, its run is planned, and then one transaction writes the candidate, its
// run and its members, or nothing when one of them is not free any more.
import { getBranch } from '../../branches/find.ts';
import type { Plan } from '../../ci/scheduler/plan-run.ts';
import { announceRun } from '../../ci/scheduler/create-run.ts';
import { insertLandingRun, planLandingRun, type LandingCommit } from '../../ci/scheduler/landing-run.ts';
import type { Forge } from '../../forge/open.ts';
import { pinCandidate } from './candidate-pins.ts';
import type { Built, BuildOrder } from './candidate-build.ts';
import { findCandidate, insertCandidate, type Candidate } from './candidate-store.ts';
import { tellLandings } from './queue-change.ts';
import { findLandingPause, moveLanding } from './store.ts';

class NotFree extends Error {}

/** The candidate, or undefined: an entry left or the queue was paused in between, and nothing was written. */
export async function startCandidate(
  forge: Forge,
  order: BuildOrder & { standsOn: Candidate | undefined; built: Built },
): Promise<Candidate | undefined> {
  const { repo, target, baseOid, built } = order;
  const branches = built.members.map(({ landing }) => getBranch(forge, landing.branchId).name);
  const commit: LandingCommit = { repoId: repo.id, target, headOid: built.commitOid, baseOid, branches };
  const plan = await planLandingRun(forge, commit);
  const candidate = insertWhole(forge, { ...order, commit, plan });
  if (candidate === undefined) return undefined;
  await pinCandidate(forge, candidate);
  announceRun(forge, candidate.runId);
  tellLandings(
    forge,
    built.members.map(({ landing }) => landing),
  );
  return candidate;
}

type WholeOrder = BuildOrder & {
  standsOn: Candidate | undefined;
  built: Built;
  commit: LandingCommit;
  plan: Plan;
};

function insertWhole(forge: Forge, order: WholeOrder): Candidate | undefined {
  try {
    return forge.db.transaction(() => insertRows(forge, order));
  } catch (error) {
    if (error instanceof NotFree) return undefined;
    throw error;
  }
}

function insertRows(
  forge: Forge,
  { repo, standsOn, built, commit, plan }: WholeOrder,
): Candidate | undefined {
  if (findLandingPause(forge.db, repo.id) !== undefined) throw new NotFree('the queue was paused');
  const below = standsOn === undefined ? undefined : findCandidate(forge.db, standsOn.id);
  if (below?.state !== standsOn?.state) throw new NotFree('the candidate below is no more');
  const now = forge.clock.now();
  const runId = insertLandingRun(forge, commit, plan);
  const id = insertCandidate(forge.db, {
    repoId: repo.id,
    target: commit.target,
    baseOid: commit.baseOid,
    standsOn: standsOn?.id,
    commitOid: built.commitOid,
    treeOid: built.treeOid,
    runId,
    members: built.members.map(({ landing, headOid, commitOid, method }) => ({
      landingId: landing.id,
      headOid,
      commitOid,
      method,
    })),
    now,
  });
  for (const { landing } of built.members) {
    const moved = moveLanding(forge.db, {
      id: landing.id,
      from: 'queued',
      ofCandidate: null,
      to: 'testing',
      reason: 'lanes_running',
      candidateId: id,
      part: landing.part,
      now,
    });
    if (!moved) throw new NotFree(`entry ${landing.id} has left`);
  }
  return findCandidate(forge.db, id);
}
