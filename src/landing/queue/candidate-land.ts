// Moves a target to the commit of a candidate that was tested green: exactly that commit, and only from the one it was
// built on. Everything that could say no is asked once more inside the merge slot; a lost race is never a failure.
import { getBranch } from '../../branches/find.ts';
import { getRun } from '../../ci/find.ts';
import { judgeLandingRun } from '../../ci/scheduler/landing-run.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import type { Slots } from '../../lib/slot.ts';
import { getRepo } from '../../repos/find.ts';
import type { Repo } from '../../repos/model.ts';
import { findCandidate, listMembers, stepCandidate, type Candidate, type Member } from './candidate-store.ts';
import { hasLanded } from '../merge/landed.ts';
import { finaliseMerges, landIntents, recordIntents, type PreparedMerge } from '../merge/merge.ts';
import { orderedBy, tellLandings } from './queue-change.ts';
import { weighGate, type Weighed } from './queue-gate.ts';
import { endLandingRow, findLandingPause, findLandingRow, moveLanding, type Landing } from './store.ts';
import { endIntent, listIntended, type MergeIntent } from '../store.ts';

/**
 * `busy`: somebody else merges in the repository. `changed`: the candidate is not what it was; look again. `unmoved`: git did
 * not move the refs; it is tried again later.
 */
export type LandOutcome =
  | { outcome: 'landed' | 'busy' | 'changed' }
  | { outcome: 'unmoved'; error: unknown }
  | { outcome: 'held'; landing: Landing; weighed: Exclude<Weighed, { outcome: 'open' }> };

class Changed extends Error {}

export async function landCandidate(
  forge: Forge,
  { candidate, slots }: { candidate: Candidate; slots: Slots },
): Promise<LandOutcome> {
  const repo = getRepo(forge, candidate.repoId);
  const hold = slots.tryTake(`merge:${repo.id}`);
  if (hold === undefined) return { outcome: 'busy' };
  try {
    const members = listMembers(forge.db, candidate.id);
    const held = await askOnceMore(forge, { repo, members });
    if (held !== undefined) return held;
    const intents = beginLanding(forge, { repo, candidate, members });
    if (intents === undefined) return { outcome: 'changed' };
    return await moveTarget(forge, { candidate, members, intents });
  } finally {
    hold.release();
  }
}

/** Holds, verdicts and rights, as they are now; not the lanes of the branches, for their merge was tested. */
async function askOnceMore(
  forge: Forge,
  { repo, members }: { repo: Repo; members: readonly Member[] },
): Promise<LandOutcome | undefined> {
  for (const { landingId } of members) {
    const landing = findLandingRow(forge.db, landingId);
    if (landing === undefined) return { outcome: 'changed' };
    const weighed = await weighLanding(forge, { repo, landing, moment: 'landing' });
    if (weighed.outcome !== 'open') return { outcome: 'held', landing, weighed };
  }
  return undefined;
}

export const weighLanding = (
  forge: Forge,
  {
    repo,
    landing,
    moment,
  }: { repo: Repo; landing: Landing; moment: Parameters<typeof weighGate>[1]['moment'] },
): Promise<Weighed> =>
  weighGate(forge, {
    repo,
    branch: getBranch(forge, landing.branchId),
    caller: orderedBy(forge, landing),
    head: landing.headOid,
    method: landing.method,
    moment,
  });

/** Fences the candidate and its members and writes the intents, or nothing when one of them is another by now. */
function beginLanding(
  forge: Forge,
  { repo, candidate, members }: { repo: Repo; candidate: Candidate; members: readonly Member[] },
): MergeIntent[] | undefined {
  try {
    return forge.db.transaction(() => {
      if (!isTestedGreen(forge, candidate, members) || findLandingPause(forge.db, repo.id) !== undefined) {
        throw new Changed('it is not to land now');
      }
      const { id, token } = candidate;
      const now = forge.clock.now();
      const step = { id, token, from: 'testing', to: 'landing', now } as const;
      if (stepCandidate(forge.db, step) === undefined) throw new Changed('somebody else was first');
      const prepared = members.map((member, place) =>
        prepareMember(forge, { repo, candidate, member, onto: members[place - 1]?.commitOid }),
      );
      return recordIntents(forge, prepared);
    });
  } catch (error) {
    if (error instanceof Changed) return undefined;
    throw error;
  }
}

/** The run is that of this very commit and tree, by the policy of its base, and every required lane of it is green. */
function isTestedGreen(forge: Forge, candidate: Candidate, members: readonly Member[]): boolean {
  const run = getRun(forge, candidate.runId);
  const isOwn =
    run.kind === 'landing' &&
    run.repoId === candidate.repoId &&
    run.headOid === candidate.commitOid &&
    run.treeOid === candidate.treeOid &&
    run.policyOid === candidate.baseOid &&
    members.at(-1)?.commitOid === candidate.commitOid;
  return isOwn && judgeLandingRun(forge, run.id).verdict === 'green';
}

function prepareMember(
  forge: Forge,
  order: { repo: Repo; candidate: Candidate; member: Member; onto: string | undefined },
): PreparedMerge {
  const { repo, candidate, member } = order;
  const { landingId, branchId, headOid, commitOid, method } = member;
  const landing = findLandingRow(forge.db, landingId);
  const branch = getBranch(forge, branchId);
  const isAsTested =
    branch.state === 'open' &&
    branch.headOid === headOid &&
    branch.target === candidate.target &&
    landing?.headOid === headOid &&
    landing.revision === branch.revision;
  const moved = moveLanding(forge.db, {
    id: landingId,
    from: 'testing',
    ofCandidate: candidate.id,
    to: 'landing',
    reason: 'landing',
    candidateId: candidate.id,
    part: landing?.part,
    now: forge.clock.now(),
  });
  if (!isAsTested || !moved) throw new Changed(`branch ${branch.number} is not as it was tested`);
  return {
    repo,
    branch,
    actorId: landing.actorId,
    method,
    targetOid: order.onto ?? candidate.baseOid,
    headOid,
    mergeOid: commitOid,
  };
}

async function moveTarget(
  forge: Forge,
  order: { candidate: Candidate; members: readonly Member[]; intents: MergeIntent[] },
): Promise<LandOutcome> {
  const { candidate, members, intents } = order;
  try {
    await landIntents(forge, intents, {
      callerOf: callerOf(forge, members),
      alongside: () => finishRows(forge, candidate.id, members),
    });
  } catch (error) {
    await settleLanding(forge, candidate);
    return { outcome: 'unmoved', error };
  }
  tellMembers(forge, candidate, members);
  return { outcome: 'landed' };
}

/**
 * Ends what a death, or a failure of git, left between the beginning of a landing and its end: git says whether the target
 * moved. What did not land is tested still, and tried again.
 */
export async function settleLanding(forge: Forge, { id, repoId, target }: Candidate): Promise<void> {
  const members = listMembers(forge.db, id);
  const last = members.at(-1);
  if (last === undefined) return;
  const commits = new Set(members.map(({ commitOid }) => commitOid));
  const left = listIntended(forge).filter(
    (intent) => intent.repoId === repoId && intent.target === target && commits.has(intent.mergeOid),
  );
  const alongside = () => finishRows(forge, id, members);
  if (await hasLanded(forge, { repoId, target, mergeOid: last.commitOid })) {
    finaliseMerges(forge, left, { callerOf: callerOf(forge, members), alongside });
    tellMembers(forge, { repoId }, members);
    return;
  }
  forge.db.transaction(() => {
    for (const intent of left) endIntent(forge, intent.id, 'abandoned');
    backToTesting(forge, id, members);
  });
}

function callerOf(
  forge: Forge,
  members: readonly Member[],
): (intent: MergeIntent) => ReturnType<typeof orderedBy> {
  return ({ branchId, actorId }) => {
    const member = members.find((one) => one.branchId === branchId);
    const landing = member && findLandingRow(forge.db, member.landingId);
    return orderedBy(forge, landing ?? { actorId, credential: 'the landing queue' });
  };
}

function currentStep(forge: Forge, id: number): Candidate {
  const candidate = findCandidate(forge.db, id);
  if (candidate === undefined) throw new ForgeError('not_found', `There is no candidate ${id}.`);
  return candidate;
}

const tellMembers = (forge: Forge, { repoId }: Pick<Candidate, 'repoId'>, members: readonly Member[]): void =>
  tellLandings(
    forge,
    members.map(({ branchId }) => ({ repoId, branchId })),
  );

/** The rows of a candidate whose commit the target has. Twice, it changes nothing more. */
function finishRows(forge: Forge, id: number, members: readonly Member[]): void {
  const now = forge.clock.now();
  const { token, state, target } = currentStep(forge, id);
  if (state !== 'landing') return;
  stepCandidate(forge.db, { id, token, from: 'landing', to: 'landed', now });
  const message = landedWords(target, members.length);
  for (const { landingId, commitOid } of members) {
    const end = { state: 'landed', cause: 'landed', message, wayOut: '', mergeOid: commitOid } as const;
    endLandingRow(forge.db, { id: landingId, now, ...end }, ['landing']);
  }
}

function landedWords(target: string, count: number): string {
  if (count === 1) return `Its merge was tested, and ${target} moved to it.`;
  const others = count === 2 ? 'that of another branch' : `those of ${count - 1} other branches`;
  return `Its merge was tested with ${others}, and ${target} moved to it.`;
}

function backToTesting(forge: Forge, id: number, members: readonly Member[]): void {
  const now = forge.clock.now();
  const { token, state } = currentStep(forge, id);
  if (state !== 'landing') return;
  stepCandidate(forge.db, { id, token, from: 'landing', to: 'testing', now });
  for (const { landingId } of members) {
    const part = findLandingRow(forge.db, landingId)?.part;
    moveLanding(forge.db, {
      id: landingId,
      from: 'landing',
      ofCandidate: id,
      to: 'testing',
      reason: 'lanes_running',
      candidateId: id,
      part,
      now,
    });
  }
}
