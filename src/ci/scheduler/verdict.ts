import type { Forge } from '../../forge/open.ts';
import type { Repo } from '../../repos/model.ts';
import { listLanes, newestBranchRunOfHead } from '../find.ts';
import { hasEnded, satisfiesGate, type Lane, type Run } from '../model.ts';
import { findGreenTwin } from '../store.ts';

/**
 * The required lanes of the newest run of exactly this head that do not let the gate pass, by their newest attempt.
 * Empty for a head without a run: whether CI has looked at all is the gate's own question.
 */
export function laneHolds(forge: Forge, question: { repo: Pick<Repo, 'id'>; headOid: string }): Lane[] {
  const run = newestBranchRunOfHead(forge, question.repo.id, question.headOid);
  if (run === undefined) return [];
  return listLanes(forge, run.id).filter((lane) => lane.required && !satisfiesGate(lane.attempt));
}

/**
 * Whether a lane that has not ended yet succeeded for exactly the same files at another commit of the repository: the
 * same command with the same needs, by its newest attempt there. What failed here stays failed, whatever it did elsewhere;
 * what its paths left out elsewhere was not tested there, and with secrets another branch may have had others.
 */
export function isGreenElsewhere(forge: Forge, run: Pick<Run, 'repoId' | 'treeOid'>, lane: Lane): boolean {
  const { attempt, extras } = lane;
  if (extras.secrets.length > 0) return false;
  if (hasEnded(attempt.state) && attempt.state !== 'cancelled') return false;
  return findGreenTwin(forge.db, { repoId: run.repoId, treeOid: run.treeOid, laneId: lane.id }) !== undefined;
}
