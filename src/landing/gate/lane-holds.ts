// What CI says of a head: every required lane is green here, or was green for exactly the same files.
import { listLanes, runOf } from '../../ci/find.ts';
import { satisfiesGate, type Lane } from '../../ci/model.ts';
import { newlyRequired } from '../../ci/scheduler/newly-required.ts';
import { isGreenElsewhere, laneHolds } from '../../ci/scheduler/verdict.ts';
import type { Forge } from '../../forge/open.ts';
import { countOf, holdOf } from './hold-of.ts';
import type { Findings, GateQuestion } from './question.ts';
import type { GateHold } from '../model.ts';
import { isoTime } from '../../lib/iso-time.ts';

export async function examineLanes(
  forge: Forge,
  question: GateQuestion,
  { headOid, targetOid }: { headOid: string; targetOid: string | undefined },
): Promise<Findings> {
  const { repo, branch } = question;
  const run = runOf(forge, { branchId: branch.id, revision: branch.revision });
  if (run === undefined || run.headOid !== headOid) {
    const message = `CI has not looked at ${headOid.slice(0, 8)} yet.`;
    return held(holdOf('no_run', { message, wayOut: 'Wait for it: ph wait' }, { resolves: 'itself' }));
  }
  if (run.problem !== undefined) {
    const message = sentence(`CI run ${run.number} has no lanes`, run.problem);
    const wayOut = 'Correct .pika/lanes.toml and push again.';
    return held(holdOf('run_problem', { message, wayOut }));
  }
  const required = listLanes(forge, run.id).filter((lane) => lane.required);
  const own = required.filter(({ attempt }) => !satisfiesGate(attempt));
  // Another branch may stand at the same commit, with a run of its own that left lanes out. Both must be green.
  const isAsked = targetOid !== undefined && question.isTestedAgain !== true;
  const since = isAsked ? await newlyRequired(forge, run, targetOid) : undefined;
  const lanes = [...own, ...laneHolds(forge, { repo, headOid }), ...(since?.optional ?? [])];
  const holds = [...new Map(lanes.map((lane) => [lane.key, lane])).values()]
    .filter((lane) => !isGreenElsewhere(forge, run, lane))
    .map(laneHold);
  holds.push(...(since?.absent ?? []).map((key) => absentHold(key, branch.target)));
  if (holds.length > 0 || required.length === 0) return { holds, met: [] };
  const skipped = required.filter(({ attempt }) => attempt.state === 'skipped').length;
  const leftOut = skipped === 0 ? '' : `, ${skipped} left out by ${skipped === 1 ? 'its' : 'their'} paths`;
  const lanesOf = countOf(required.length, 'required lane');
  return { holds, met: [{ kind: 'lanes', message: `${lanesOf} green at ${headOid.slice(0, 8)}${leftOut}` }] };
}

const held = (hold: GateHold): Findings => ({ holds: [hold], met: [] });

const absentHold = (key: string, target: string): GateHold =>
  holdOf(
    'lane_not_green',
    {
      message: `${target} requires the lane ${key} since this was tested.`,
      wayOut: 'Let it run here: ph rerun --tip',
    },
    { lane: key },
  );

function laneHold({ key, attempt }: Lane): GateHold {
  const ended = { lane: key, since: isoTime(attempt.finishedAt ?? attempt.queuedAt) };
  switch (attempt.state) {
    case 'failed':
      return holdOf(
        'lane_not_green',
        {
          message: sentence(`The lane ${key} failed`, attempt.message),
          wayOut: `Read its log (ph logs --lane ${key}), correct it and push again.`,
        },
        ended,
      );
    case 'cancelled':
    case 'skipped':
      return holdOf(
        'lane_not_green',
        {
          message: sentence(`The lane ${key} was ${attempt.state}`, attempt.message),
          wayOut: 'Run it again: ph rerun --failed',
        },
        ended,
      );
    default:
      return holdOf(
        'lane_not_green',
        { message: `The lane ${key} is ${attempt.state}.`, wayOut: 'Wait for it: ph wait' },
        { lane: key, since: isoTime(attempt.startedAt ?? attempt.queuedAt), resolves: 'itself' },
      );
  }
}

function sentence(start: string, reason: string | undefined): string {
  if (!reason) return `${start}.`;
  return /[.!?]$/.test(reason) ? `${start}: ${reason}` : `${start}: ${reason}.`;
}
