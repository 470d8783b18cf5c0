import type { Forge } from '../../forge/open.ts';
import type { Repo } from '../../repos/model.ts';
import { listLanes, newestRunOfHead } from '../find.ts';
import { satisfiesGate, type Lane } from '../model.ts';

/**
 * The required lanes of the newest run of exactly this head that do not let the gate pass, by their newest attempt.
 * Empty for a head without a run: whether CI has looked at all is the gate's own question.
 */
export function laneHolds(
  forge: Forge,
  question: { repo: Pick<Repo, 'id'>; headOid: string; treeOid?: string },
): Lane[] {
  const run = newestRunOfHead(forge, question.repo.id, question.headOid);
  if (run === undefined) return [];
  return listLanes(forge, run.id).filter((lane) => lane.required && !satisfiesGate(lane.attempt));
}
