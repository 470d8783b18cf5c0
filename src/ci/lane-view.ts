// What the page of a lane shows: one attempt, which never changes once it has ended, among all there were.
import type { Caller } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
import { hasEnded, type Attempt } from './model.ts';
import { lanePanels } from './panels-view.ts';
import { lanePathOf, type LaneOfRoute } from './route-run.ts';
import { runFacts } from './run-view.ts';

export function lanePage(forge: Forge, found: LaneOfRoute, caller: Caller) {
  const { repo, run, lane, attempts, attempt } = found;
  const facts = runFacts(forge, { repo, run, caller });
  const isNewest = attempt.id === lane.attempt.id;
  const isEnded = hasEnded(attempt.state);
  const lanePath = lanePathOf(found);
  const { lanes, path } = facts;
  return {
    ...facts,
    lane,
    attempts: attempts.map((one, place) => ({ attempt: one, why: provenanceOf(one, attempts[place - 1]) })),
    attempt,
    why: provenanceOf(
      attempt,
      attempts.find(({ number }) => number === attempt.number - 1),
    ),
    isNewest,
    newest: lane.attempt,
    needs: lanes.filter(({ key }) => lane.needs.includes(key)),
    lanePath,
    mayCancel: facts.mayCancel && isNewest && !isEnded,
    mayComment: caller.account !== undefined && caller.account.kind !== 'system' && caller.scope !== 'read',
    mayRerun: facts.mayRerun && isNewest && isEnded && attempt.skipCause !== 'path_filter',
    ...lanePanels(forge, { repo, run, lanes, caller, path, lane, attempt, isNewest, lanePath }),
  };
}

/** Why an attempt exists, as the rest of a sentence that begins with it. */
function provenanceOf(attempt: Attempt, earlier: Attempt | undefined): string {
  const { cause, requestedByName: who } = attempt;
  const of = earlier === undefined ? '' : ` of attempt ${earlier.number}`;
  if (cause === 'retry') return `retried after ${earlier?.failureKind ?? 'a failure'}${of}`;
  if (cause === 'requeue') return `queued again${of}${who === undefined ? '' : ` by ${who}`}`;
  if (cause === 'nightly') return 'nightly';
  if (cause === 'rerun' || who !== undefined) return `rerun${of}${who === undefined ? '' : ` by ${who}`}`;
  return earlier === undefined ? 'first' : `follows attempt ${earlier.number}`;
}
