// The claim of a lane that was offered to a place with a queue of its own: its agent takes it when it starts there, and
// not the pass that offered it. Until then the attempt is queued, so its limits do not run and a cancellation ends it at once.
import type { Forge } from '../../forge/open.ts';
import { findAttemptRow, findRunOfAttempt, updateRunState } from '../store.ts';
import { noteClaimed } from '../lanes/slurm/slurm-job-store.ts';
import { pauseOf, type Claim } from './claim.ts';
import { announce } from './finish.ts';
import { claimAttempt } from './queue.ts';

/** Begins the owner of every claim that an agent holds, elsewhere than in this process. */
const agentMark = 'slurm ';

export const isHeldByAgent = (owner: string | null): boolean => owner?.startsWith(agentMark) ?? false;

/**
 * The claim, fenced by its new token; undefined when the lane is not to start: it was taken, cancelled, given up, or CI is
 * paused. The caller has made sure that the agent is the one that the lane was offered to.
 */
export function claimOffered(
  forge: Forge,
  offer: { attemptId: number; owner: string; sandbox: string },
): Claim | undefined {
  const { attemptId, owner, sandbox } = offer;
  const claim = forge.db.relaxedTransaction(() => takeOffered(forge, { attemptId, owner, sandbox }));
  if (claim !== undefined) announce(forge, [{ ...claim, state: 'running' }]);
  return claim;
}

function takeOffered(
  forge: Forge,
  { attemptId: id, owner, sandbox }: { attemptId: number; owner: string; sandbox: string },
): Claim | undefined {
  const attempt = findAttemptRow(forge.db, id);
  const run = findRunOfAttempt(forge.db, id);
  if (attempt === undefined || run === undefined || pauseOf(forge) !== undefined) return undefined;
  const now = forge.clock.now();
  const leaseUntil = now + forge.config.ci.leaseSeconds * 1000;
  const token = claimAttempt(forge.db, { id, owner, now, leaseUntil, sandbox });
  if (token === undefined) return undefined;
  noteClaimed(forge.db, { attemptId: id, token });
  updateRunState(forge.db, { id: run.id, state: 'running', finishedAt: undefined });
  return { attemptId: id, laneId: attempt.laneId, runId: run.id, token };
}
