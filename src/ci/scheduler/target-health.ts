// Counts the failures of a target that are not the fault of the tests. After two in a row it rests, so that it does not
// fail the whole queue. Failures that all come from one repository keep away only the lanes of that repository:
// nobody stops the lanes of others with programs that never end.
import { diskRoom } from '../../forge/disk.ts';
import type { Forge } from '../../forge/open.ts';
import type { FailureKind } from '../model.ts';
import {
  findPlaceOfLane,
  findTarget,
  listUnhealthy,
  recordSound,
  saveTarget,
  type TargetHealth,
} from './target-store.ts';

const maxFailures = 2;

interface End {
  state: string;
  failureKind?: FailureKind | undefined;
  message?: string | undefined;
}

type Sign = 'sound' | 'ended late' | 'broken';

/** Part of the transaction that ends a claimed attempt. */
export function noteTarget(forge: Forge, laneId: number, end: End): void {
  const sign = signOf(forge, end);
  if (sign === 'sound') return recordSound(forge.db, { laneId, now: forge.clock.now() });
  const place = sign === undefined ? undefined : findPlaceOfLane(forge.db, laneId);
  if (sign === undefined || place === undefined) return;
  const { target: name, key, repoId } = place;
  const health = findTarget(forge.db, name) ?? unblemished(name);
  recordFailure(forge, health, { sign, repoId, lane: `${repoId}/${key}`, end });
}

/** A lane that came to its own end says that its target is well; one that was ended by hand says nothing. */
function signOf(forge: Forge, { state, failureKind }: End): Sign | undefined {
  if (state === 'success' || failureKind === 'test_failure') return 'sound';
  // A full disk of the forge keeps lanes from starting by itself, and only as long as it is full.
  if (failureKind === 'infrastructure') return diskRoom(forge).isLow ? undefined : 'broken';
  return failureKind === 'timeout' || failureKind === 'idle_timeout' ? 'ended late' : undefined;
}

const unblemished = (name: string): TargetHealth => ({
  name,
  failures: 0,
  unhealthyUntil: null,
  repoId: null,
  lane: null,
});

function recordFailure(
  forge: Forge,
  before: TargetHealth,
  failed: { sign: Sign; repoId: number; lane: string; end: End },
): void {
  const { sign, repoId, lane, end } = failed;
  // One lane that hangs again and again is the fault of that lane.
  const isSameAgain = sign === 'ended late' && before.failures > 0 && before.lane === lane;
  const failures = before.failures + (isSameAgain ? 0 : 1);
  const isOfOne = before.failures === 0 || before.repoId === repoId;
  const now = forge.clock.now();
  const isUnhealthy = failures >= maxFailures;
  saveTarget(forge.db, {
    name: before.name,
    failures,
    unhealthyUntil: isUnhealthy ? now + forge.config.ci.unhealthyMinutes * 60_000 : null,
    repoId: isOfOne ? repoId : null,
    lane,
    message: `${failures} in a row failed; the last by ${end.failureKind ?? 'failure'}${end.message ? `: ${end.message}` : ''}`,
    now,
  });
}

/** Why a target takes no lane of a repository, or of some repository, now; undefined when it does. */
export function unhealthyTargets(forge: Forge): (target: string, repoId?: number) => string | undefined {
  const now = forge.clock.now();
  const targets = new Map(listUnhealthy(forge.db, now).map((health) => [health.name, health]));
  return (target, repoId) => {
    const health = targets.size === 0 ? undefined : targets.get(target);
    if (health === undefined) return undefined;
    if (health.repoId !== null && repoId !== undefined && health.repoId !== repoId) return undefined;
    const until = new Date(health.unhealthyUntil).toISOString().slice(11, 16);
    const whose = health.repoId === null ? '' : ' of this repository';
    return `${target} rests until ${until} UTC: ${health.failures} lanes${whose} in a row could not be run to their end there`;
  };
}
