// CI at one look, for whoever operates it: what holds the queue, what runs and how it was last heard of, what waits
// and why, the targets with their places and their health.
import type { Forge } from '../forge/open.ts';
import type { QueueReason } from './model.ts';
import {
  countReasons,
  listRunning,
  listTargetRows,
  listWaiting,
  type RunningRow,
  type TargetRow,
  type WaitingRow,
} from './overview-store.ts';
import { listOffered } from './lanes/slurm/slurm-job-store.ts';
import { findPause } from './scheduler/pause.ts';
import type { Pause } from './recovery/recovery-store.ts';

export interface TargetState {
  name: string;
  /** Undefined for a target that the configuration does not have. */
  places: number | undefined;
  taken: number;
  health: TargetRow | undefined;
  isHealthy: boolean;
}

export interface CiOverview {
  pause: Pause | undefined;
  running: (RunningRow & { confirmedAt: number | undefined })[];
  waiting: WaitingRow[];
  reasons: { reason: QueueReason; count: number }[];
  targets: TargetState[];
}

export function ciOverview(forge: Forge): CiOverview {
  const { ci, limits } = forge.config;
  const running = listRunning(forge.db);
  const leaseMs = ci.leaseSeconds * 1000;
  return {
    pause: findPause(forge),
    // A claim and each of its heartbeats set the lease anew, so its end says when the lane was last heard of.
    running: running.map((row) => ({
      ...row,
      confirmedAt: row.leaseUntil === null ? undefined : row.leaseUntil - leaseMs,
    })),
    waiting: listWaiting(forge.db, limits.maxRowsPerPage),
    reasons: countReasons(forge.db),
    targets: targetStates(forge, running),
  };
}

function targetStates(forge: Forge, running: readonly RunningRow[]): TargetState[] {
  const { concurrency, targets } = forge.config.ci;
  const now = forge.clock.now();
  const health = new Map(listTargetRows(forge.db).map((row) => [row.name, row]));
  const places = new Map<string, number | undefined>([
    ['local', concurrency],
    ...Object.entries(targets).map(([name, target]) => [name, target.concurrency] as const),
  ]);
  // What a cluster has holds its place before it runs there.
  const taken = [...running, ...listOffered(forge.db)].map(({ target }) => target);
  const names = new Set([...places.keys(), ...health.keys(), ...taken]);
  return [...names].map((name) => ({
    name,
    places: places.get(name),
    taken: taken.filter((target) => target === name).length,
    health: health.get(name),
    isHealthy: (health.get(name)?.unhealthyUntil ?? 0) <= now,
  }));
}
