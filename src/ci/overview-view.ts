// The overview of CI in the shape that leaves the forge as JSON.
import { publicOrigin, type Forge } from '../forge/open.ts';
import type { HeldPlace } from './lanes/quarantine.ts';
import type { CiView } from './model.ts';
import { ciOverview, type TargetState } from './overview.ts';
import type { RunningRow, WaitingRow } from './overview-store.ts';
import { isoTime, isoTimeOrNull } from '../lib/iso-time.ts';

export function ciViewOf(forge: Forge, lost: readonly HeldPlace[]): CiView {
  const { pause, running, waiting, reasons, targets } = ciOverview(forge);
  const placed = (row: RunningRow | WaitingRow) => ({
    repo: `${row.owner}/${row.name}`,
    run: row.runNumber,
    lane: row.key,
    attempt: row.attempt,
    branch: row.branch,
    target: row.target,
    group: row.group,
    url: `${publicOrigin(forge.config)}/${row.owner}/${row.name}/runs/${row.runNumber}/lanes/${row.key}`,
  });
  return {
    paused:
      pause === undefined ? null : { at: isoTime(pause.pausedAt), by: pause.pausedBy, reason: pause.reason },
    lost: lost.map(({ attemptId, since, pids }) => ({
      attemptId,
      since: isoTime(since),
      programs: pids.length,
    })),
    running: running.map((row) => ({
      ...placed(row),
      state: row.state,
      startedAt: isoTime(row.startedAt),
      confirmedAt: isoTimeOrNull(row.confirmedAt),
      leaseUntil: isoTimeOrNull(row.leaseUntil),
      message: row.message,
    })),
    waiting: waiting.map((row) => ({
      ...placed(row),
      reason: row.reason,
      reasonDetail: row.reasonDetail,
      reasonSince: isoTime(row.reasonSince),
    })),
    reasons,
    targets: targets.map(targetViewOf),
  };
}

function targetViewOf({ name, places, taken, health, isHealthy }: TargetState): CiView['targets'][number] {
  return {
    name,
    places: places ?? null,
    taken,
    healthy: isHealthy,
    failures: health?.failures ?? 0,
    unhealthyUntil: isHealthy ? null : isoTimeOrNull(health?.unhealthyUntil),
    message: health?.message ?? null,
    repo: health?.owner && health.repo ? `${health.owner}/${health.repo}` : null,
  };
}
