// How a candidate ends without landing: abandoned, because what it stands on is not there any more, or failed, because of
// what it holds. Its members go back into the queue, halved when it failed with several, or leave it.
import type { LandingVerdict } from '../../ci/scheduler/landing-run.ts';
import { cancelLandingRun } from '../../ci/scheduler/landing-run.ts';
import { getRun } from '../../ci/find.ts';
import { announce } from '../../ci/scheduler/finish.ts';
import type { Forge } from '../../forge/open.ts';
import { listMembers, stepCandidate, type Candidate, type Member } from './candidate-store.ts';
import { tellLandings } from './queue-change.ts';
import { endLandingRow, findLandingRow, moveLanding, type Landing, type LandingEnd } from './store.ts';

type Failure = Extract<LandingVerdict, { verdict: 'red' | 'infrastructure' }>;

/** Gives the members back to the queue in their places; nothing is their fault. */
export function abandonCandidate(forge: Forge, candidate: Candidate, why: string): void {
  const now = forge.clock.now();
  const { back, changes } = forge.db.transaction(() => {
    const { id, token } = candidate;
    if (stepCandidate(forge.db, { id, token, from: 'testing', to: 'abandoned', why, now }) === undefined) {
      return { back: [], changes: [] };
    }
    return {
      back: heldBy(forge, candidate).filter((landing) =>
        requeue(forge, { landing, candidate, reason: 'rebuild', detail: why, part: landing.part }),
      ),
      changes: cancelLandingRun(forge, candidate.runId, why),
    };
  });
  announce(forge, changes);
  tellLandings(forge, back);
}

/** One member is evicted; several go back in two halves, which are tested apart. */
export function failCandidate(forge: Forge, candidate: Candidate, failure: Failure): void {
  const now = forge.clock.now();
  const why = failureWords(forge, candidate, failure);
  const changed = forge.db.transaction(() => {
    const { id, token } = candidate;
    if (stepCandidate(forge.db, { id, token, from: 'testing', to: 'failed', why, now }) === undefined) {
      return [];
    }
    const landings = heldBy(forge, candidate);
    const [only] = landings;
    if (landings.length === 1 && only !== undefined) {
      endLandingRow(forge.db, { id: only.id, now, ...evictionOf(candidate, failure, why) }, ['testing']);
      return landings;
    }
    const half = Math.ceil(landings.length / 2);
    return landings.filter((landing, place) =>
      requeue(forge, {
        landing,
        candidate,
        reason: 'split',
        detail: `${why} With ${landings.length} branches in it, each half is tested apart.`,
        part: candidate.id * 2 + (place < half ? 0 : 1),
      }),
    );
  });
  tellLandings(forge, changed);
}

/** The entries that are with the candidate still, in its order. */
function heldBy(forge: Forge, candidate: Candidate): Landing[] {
  return listMembers(forge.db, candidate.id).flatMap(({ landingId }: Member) => {
    const landing = findLandingRow(forge.db, landingId);
    return landing?.state === 'testing' && landing.candidateId === candidate.id ? [landing] : [];
  });
}

function requeue(
  forge: Forge,
  order: {
    landing: Landing;
    candidate: Candidate;
    reason: 'rebuild' | 'split';
    detail: string;
    part: number | undefined;
  },
): boolean {
  const { landing, candidate, reason, detail, part } = order;
  return moveLanding(forge.db, {
    id: landing.id,
    from: 'testing',
    ofCandidate: candidate.id,
    to: 'queued',
    reason,
    detail,
    part,
    now: forge.clock.now(),
  });
}

/** One sentence: what failed, and where. */
export function failureWords(forge: Forge, candidate: Candidate, { lane, problem }: Failure): string {
  const { number } = getRun(forge, candidate.runId);
  if (problem !== undefined) return `Run ${number} of the merge has no lanes: ${withDot(problem)}`;
  if (lane === undefined) return `Run ${number} of the merge did not succeed.`;
  const { state, message } = lane.attempt;
  const ended = state === 'failed' ? 'failed' : `was ${state}`;
  const said = message === undefined || message === '' ? '' : `: ${message}`;
  return withDot(`The lane ${lane.key} ${ended} in run ${number} of the merge${said}`);
}

const withDot = (sentence: string): string => (/[.!?]$/.test(sentence) ? sentence : `${sentence}.`);

function evictionOf(
  candidate: Candidate,
  { verdict, lane, problem }: Failure,
  why: string,
): Omit<LandingEnd, 'id' | 'now'> {
  const common = { state: 'evicted', message: why, runId: candidate.runId, lane: lane?.key } as const;
  if (verdict === 'infrastructure') {
    const wayOut = 'The machine failed twice, not the branch. Land it again when the machine is well.';
    return { ...common, cause: 'infrastructure', wayOut };
  }
  const fetched = `Merge or rebase it on ${candidate.target}`;
  if (problem !== undefined) {
    return {
      ...common,
      cause: 'run_failed',
      wayOut: `${fetched}, correct .pika/lanes.toml, push, and land it again.`,
    };
  }
  return {
    ...common,
    cause: 'lane_failed',
    wayOut: `Read the log. ${fetched}, correct it, push, and land it again.`,
  };
}
