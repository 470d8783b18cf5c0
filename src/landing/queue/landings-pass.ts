// One look at the queue of one target: who leaves, whom the gate lets in, what the tests said, what is built next. It goes on
// until nothing more can be done. Everything is derived from rows and refs anew, so it may begin after any death.
import { getBranch } from '../../branches/find.ts';
import { judgeLandingRun, retryLandingRun, type LandingVerdict } from '../../ci/scheduler/landing-run.ts';
import { announce } from '../../ci/scheduler/finish.ts';
import type { Forge } from '../../forge/open.ts';
import { resolveBranch } from '../../git/refs.ts';
import type { Slots } from '../../lib/slot.ts';
import { getRepo } from '../../repos/find.ts';
import type { Repo } from '../../repos/model.ts';
import { repoPath } from '../../repos/path.ts';
import { buildCommits, type Below } from './candidate-build.ts';
import { abandonCandidate, failCandidate, failureWords } from './candidate-end.ts';
import { landCandidate, settleLanding } from './candidate-land.ts';
import { startCandidate } from './candidate-start.ts';
import { listLiveCandidates, listMembers, noteRetry, type Candidate } from './candidate-store.ts';
import { explainQueued, explainTested } from './landings-explain.ts';
import { applyWeighed, holdUnread, recheckEntry } from './landings-recheck.ts';
import { settleEntries } from './landings-settle.ts';
import { policyOf } from './queue.ts';
import { endLanding } from './queue-change.ts';
import { findLandingPause, findLandingRow, listLiveLandings, type Landing } from './store.ts';

export interface Pass {
  forge: Forge;
  slots: Slots;
  repo: Repo;
  target: string;
  /** Whether the gate of an entry is to be asked again; asking once answers no until something is told of it. */
  takeDue: (landing: Landing) => boolean;
  /** Asks for another pass after a while. */
  later: (ms: number) => void;
}

const maxTurns = 100;
/** Gates that are asked in one turn; the rest waits for the next one, so that landings are not held up. */
const maxAsked = 20;
const busyMs = 100;
const retryMs = 1000;

/** What a step of a turn did: nothing, something that makes another look worthwhile, or what only time can help. */
type Step = 'none' | 'changed' | 'stop';

export async function passTarget(pass: Pass): Promise<void> {
  for (let turn = 0; turn < maxTurns; turn += 1) {
    if ((await takeTurn(pass)) !== 'changed') return;
  }
  pass.later(retryMs);
}

async function takeTurn(pass: Pass): Promise<Step> {
  const { forge, repo } = pass;
  const isPaused = findLandingPause(forge.db, repo.id) !== undefined;
  if (settleEntries(forge, entriesOf(pass), { isPaused })) return 'changed';
  if (await recheckDue(pass)) return 'changed';
  for (const candidate of candidatesOf(pass)) {
    if (candidate.state !== 'landing') continue;
    await settleLanding(forge, candidate);
    return 'changed';
  }
  const tip = await resolveBranch(forge.git, repoPath(forge, repo.id), pass.target);
  if (abandonBroken(pass, tip)) return 'changed';
  const judged = await judgeChain(pass, isPaused);
  if (judged.step !== 'none') return judged.step;
  const built = isPaused || tip === undefined || judged.isBlocked ? 'none' : await buildNext(pass, tip);
  if (built === 'none') explainRest(pass, isPaused);
  return built;
}

const ofTarget =
  (target: string) =>
  (one: { target: string }): boolean =>
    one.target === target;

const entriesOf = ({ forge, repo, target }: Pass): Landing[] =>
  listLiveLandings(forge.db, repo.id).filter(ofTarget(target));

const candidatesOf = ({ forge, repo, target }: Pass): Candidate[] =>
  listLiveCandidates(forge.db, repo.id).filter(ofTarget(target));

async function recheckDue(pass: Pass): Promise<boolean> {
  const { forge, repo } = pass;
  let asked = 0;
  let hasChanged = false;
  for (const entry of entriesOf(pass)) {
    if (entry.state === 'landing' || asked >= maxAsked || !pass.takeDue(entry)) continue;
    asked += 1;
    if (await recheckEntry(forge, { repo, entry })) hasChanged = true;
  }
  if (asked >= maxAsked) pass.later(0);
  return hasChanged;
}

/** Gives up the first candidate that is not what it was built to be, with all that stand on it. */
function abandonBroken(pass: Pass, tip: string | undefined): boolean {
  const { forge, target } = pass;
  const chain = candidatesOf(pass);
  const broken = chain.findIndex((candidate, place) => {
    const below = chain[place - 1];
    const base = below === undefined ? tip : below.commitOid;
    const isInPlace = base === candidate.baseOid && (below === undefined || candidate.standsOn === below.id);
    return !isInPlace || membersOf(forge, candidate).some((landing) => landing === undefined);
  });
  const first = chain[broken];
  if (first === undefined) return false;
  const why =
    broken === 0 && tip !== first.baseOid
      ? `${target} moved to ${tip?.slice(0, 8) ?? 'nothing'}, so its merge is built anew.`
      : `${leftWords(forge, first)}, so its merge is built anew.`;
  abandonFrom(forge, chain, { place: broken, why });
  return true;
}

/** The entries of a candidate in its order; undefined for one that is not with it any more. */
const membersOf = (forge: Forge, { id }: Candidate): (Landing | undefined)[] =>
  listMembers(forge.db, id).map(({ landingId }) => {
    const landing = findLandingRow(forge.db, landingId);
    const isWith =
      landing?.candidateId === id && (landing.state === 'testing' || landing.state === 'landing');
    return isWith ? landing : undefined;
  });

const present = (forge: Forge, candidate: Candidate): Landing[] =>
  membersOf(forge, candidate).filter((landing) => landing !== undefined);

function leftWords(forge: Forge, candidate: Candidate): string {
  const members = listMembers(forge.db, candidate.id);
  const left = membersOf(forge, candidate).findIndex((landing) => landing === undefined);
  const branchId = members[left]?.branchId;
  return branchId === undefined
    ? 'What it stood on is gone'
    : `#${getBranch(forge, branchId).number}, which it was tested with, left`;
}

/** From the top down, so that nothing ever stands on what was given up. */
function abandonFrom(forge: Forge, chain: readonly Candidate[], from: { place: number; why: string }): void {
  for (const candidate of chain.slice(from.place).reverse()) abandonCandidate(forge, candidate, from.why);
}

/** `isBlocked`: nothing is to be built on the last candidate, for it is known to fail. */
async function judgeChain(pass: Pass, isPaused: boolean): Promise<{ step: Step; isBlocked: boolean }> {
  const { forge } = pass;
  const chain = candidatesOf(pass);
  for (const [place, candidate] of chain.entries()) {
    const verdict = judgeLandingRun(forge, candidate.runId);
    if (verdict.verdict === 'infrastructure' && retry(pass, candidate, verdict)) {
      return { step: 'changed', isBlocked: false };
    }
    if (place === 0) {
      const step = await judgeFirst(pass, { chain, candidate, verdict, isPaused });
      if (step !== 'none') return { step, isBlocked: false };
    } else if (explainAbove(pass, { candidate, verdict, below: chain[place - 1] })) {
      return { step: 'none', isBlocked: true };
    }
  }
  return { step: 'none', isBlocked: false };
}

function retry(pass: Pass, candidate: Candidate, verdict: Failure): boolean {
  const { forge } = pass;
  const changes = forge.db.transaction(() =>
    noteRetry(forge.db, candidate) ? retryLandingRun(forge, candidate.runId) : [],
  );
  if (changes.length === 0) return false;
  announce(forge, changes);
  const detail = `${failureWords(forge, candidate, verdict)} That is not the branch's fault, so it is tried once more.`;
  explainTested(forge, present(forge, candidate), { reason: 'retry', detail });
  return true;
}

type Failure = Extract<LandingVerdict, { verdict: 'red' | 'infrastructure' }>;

async function judgeFirst(
  pass: Pass,
  first: { chain: readonly Candidate[]; candidate: Candidate; verdict: LandingVerdict; isPaused: boolean },
): Promise<Step> {
  const { forge } = pass;
  const { chain, candidate, verdict, isPaused } = first;
  if (verdict.verdict === 'pending') {
    explainRunning(forge, candidate);
    return 'none';
  }
  if (verdict.verdict !== 'green') {
    const numbers = present(forge, candidate).map(({ branchId }) => `#${getBranch(forge, branchId).number}`);
    abandonFrom(forge, chain, { place: 1, why: `${numbers.join(', ')}, which it stood on, failed.` });
    failCandidate(forge, candidate, verdict);
    return 'changed';
  }
  if (isPaused) {
    explainTested(forge, present(forge, candidate), { reason: 'paused' });
    return 'none';
  }
  return land(pass, candidate);
}

async function land(pass: Pass, candidate: Candidate): Promise<Step> {
  const { forge, slots, repo, target } = pass;
  const landed = await landCandidate(forge, { candidate, slots });
  switch (landed.outcome) {
    case 'landed':
    case 'changed':
      return 'changed';
    case 'held':
      return (await applyWeighed(forge, { entry: landed.landing, weighed: landed.weighed }))
        ? 'changed'
        : 'stop';
    case 'busy':
      explainTested(forge, present(forge, candidate), { reason: 'target_busy' });
      pass.later(busyMs);
      return 'stop';
    case 'unmoved': {
      const tip = await resolveBranch(forge.git, repoPath(forge, repo.id), target);
      if (tip !== candidate.baseOid) return 'changed';
      forge.log.warn({ err: landed.error, candidate: candidate.id }, 'a target could not be moved yet');
      pass.later(retryMs);
      return 'stop';
    }
  }
}

/** A retry is told until it ends. */
function explainRunning(forge: Forge, candidate: Candidate): void {
  const running = present(forge, candidate).filter(({ reason }) => reason !== 'retry');
  explainTested(forge, running, { reason: 'lanes_running' });
}

/** Says what a candidate waits for that stands on another; true when it failed, which counts once that other has landed. */
function explainAbove(
  pass: Pass,
  above: { candidate: Candidate; verdict: LandingVerdict; below: Candidate | undefined },
): boolean {
  const { forge } = pass;
  const { candidate, verdict, below } = above;
  if (verdict.verdict === 'pending') {
    explainRunning(forge, candidate);
    return false;
  }
  const last = below === undefined ? undefined : listMembers(forge.db, below.id).at(-1);
  const ahead = last === undefined ? 'what is ahead' : `#${getBranch(forge, last.branchId).number}`;
  const detail =
    verdict.verdict === 'green'
      ? `Its lanes are green; it waits for ${ahead} to land.`
      : `${failureWords(forge, candidate, verdict)} That counts if ${ahead}, which it stands on, lands.`;
  explainTested(forge, present(forge, candidate), { reason: 'candidate_ahead', detail });
  return verdict.verdict !== 'green';
}

/** Builds one more candidate on the tip, or on the last that is tested. */
async function buildNext(pass: Pass, tip: string): Promise<Step> {
  const { forge, repo, target } = pass;
  const policy = await policyOf(forge, repo, tip);
  const chain = candidatesOf(pass);
  if (chain.length >= policy.landing.speculation) return 'none';
  const queued = entriesOf(pass).filter(({ state }) => state === 'queued');
  const wanted = nextBatch(queued, policy.landing.batch);
  if (wanted.length === 0) return 'none';
  const entries: Landing[] = [];
  for (const entry of wanted) {
    if (await recheckEntry(forge, { repo, entry })) return 'changed';
    entries.push(entry);
  }
  const standsOn = chain.at(-1);
  const order = {
    repo,
    target,
    baseOid: standsOn?.commitOid ?? tip,
    below: chain.flatMap(({ id }): Below[] => listMembers(forge.db, id)),
    entries,
    method: policy.landing.method ?? repo.mergeMethod,
  };
  const built = await buildCommits(forge, order);
  for (const { landing, end } of built.leaving) endLanding(forge, landing, end, ['queued']);
  for (const { landing, error } of built.unread) holdUnread(forge, landing, error);
  const hasLeft = built.leaving.length + built.unread.length > 0;
  if (built.members.length === 0) return hasLeft ? 'changed' : 'none';
  await startCandidate(forge, { ...order, standsOn, built });
  return 'changed';
}

/** The first in the queue with those after it that may be tested together with it. */
function nextBatch(queued: readonly Landing[], batch: number): Landing[] {
  const [first] = queued;
  if (first === undefined) return [];
  const end = queued.findIndex(({ part, priority }) => part !== first.part || priority !== first.priority);
  return queued.slice(0, Math.min(batch, end === -1 ? queued.length : end));
}

function explainRest(pass: Pass, isPaused: boolean): void {
  const queued = entriesOf(pass).filter(({ state }) => state === 'queued');
  explainQueued(pass.forge, queued, { isPaused, isFree: candidatesOf(pass).length === 0 });
}

export const passOf = (
  forge: Forge,
  where: { repoId: number; target: string },
  more: Pick<Pass, 'slots' | 'takeDue' | 'later'>,
): Pass => ({ forge, repo: getRepo(forge, where.repoId), target: where.target, ...more });
