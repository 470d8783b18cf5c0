import { z } from 'zod';

export const attemptStates = [
  'queued',
  'running',
  'cancelling',
  'success',
  'failed',
  'cancelled',
  'skipped',
] as const;
export type AttemptState = (typeof attemptStates)[number];

export const runStates = ['queued', 'running', 'success', 'failed', 'cancelled'] as const;
export type RunState = (typeof runStates)[number];

export const queueReasons = [
  'ready',
  'waiting_for_capacity',
  'blocked_by_group',
  'waiting_for_lane',
  'target_unhealthy',
  'paused',
  'lease_expired',
  'retry_backoff',
  'unsatisfiable',
] as const;
export type QueueReason = (typeof queueReasons)[number];

export const failureKinds = [
  'test_failure',
  'timeout',
  'idle_timeout',
  'infrastructure',
  'manifest',
  'lost',
  'unkillable',
  'cancelled',
  'operator',
] as const;
export type FailureKind = (typeof failureKinds)[number];

export const skipCauses = ['path_filter', 'dependency_failed'] as const;
export type SkipCause = (typeof skipCauses)[number];

export interface Run {
  id: number;
  repoId: number;
  number: number;
  kind: 'branch' | 'landing' | 'nightly';
  branchId: number | undefined;
  revision: number | undefined;
  headOid: string;
  treeOid: string;
  baseOid: string | undefined;
  state: RunState;
  /** Why the run has no lanes to run, e.g. the manifest's error with line and key. */
  problem: string | undefined;
  createdAt: number;
  finishedAt: number | undefined;
}

/** One execution of a lane. */
export interface Attempt {
  id: number;
  laneId: number;
  number: number;
  state: AttemptState;
  reason: QueueReason | undefined;
  reasonDetail: string | undefined;
  reasonSince: number | undefined;
  token: number;
  leaseUntil: number | undefined;
  queuedAt: number;
  startedAt: number | undefined;
  firstOutputAt: number | undefined;
  finishedAt: number | undefined;
  exitCode: number | undefined;
  signal: string | undefined;
  failureKind: FailureKind | undefined;
  skipCause: SkipCause | undefined;
  message: string | undefined;
  sandbox: string | undefined;
  logBytes: number;
  requestedByName: string | undefined;
}

/** One command of a run, with its newest attempt (a lane always has one) and how many there were. */
export interface Lane {
  id: number;
  runId: number;
  key: string;
  title: string;
  /** argv, or one string that `sh -euc` runs. */
  command: string | string[];
  needs: string[];
  group: string | undefined;
  required: boolean;
  timeoutSeconds: number;
  idleSeconds: number;
  attempt: Attempt;
}

/** Whether a lane lets the gate pass: success, or left out by its path filter. */
export const satisfiesGate = (attempt: Pick<Attempt, 'state' | 'skipCause'>): boolean =>
  attempt.state === 'success' || (attempt.state === 'skipped' && attempt.skipCause === 'path_filter');

export const hasEnded = (state: AttemptState): boolean =>
  state === 'success' || state === 'failed' || state === 'cancelled' || state === 'skipped';

const time = z.string().nullable();

export const laneView = z.object({
  id: z.string(),
  title: z.string(),
  required: z.boolean(),
  state: z.enum(attemptStates),
  attempt: z.number(),
  reason: z.enum(queueReasons).nullable(),
  reasonDetail: z.string().nullable(),
  reasonSince: time,
  failureKind: z.enum(failureKinds).nullable(),
  skipCause: z.enum(skipCauses).nullable(),
  message: z.string().nullable(),
  exitCode: z.number().nullable(),
  queuedAt: z.string(),
  startedAt: time,
  finishedAt: time,
  logBytes: z.number(),
  url: z.string(),
});
export type LaneView = z.infer<typeof laneView>;

export const runView = z.object({
  number: z.number(),
  head: z.string(),
  state: z.enum(runStates),
  problem: z.string().nullable(),
  createdAt: z.string(),
  finishedAt: time,
  url: z.string(),
  lanes: z.array(laneView),
});
export type RunView = z.infer<typeof runView>;

/** What a rerun answers: the lanes that were queued again, in the order of the manifest. */
export const rerunView = z.object({ queued: z.array(z.string()), run: runView });
export type RerunView = z.infer<typeof rerunView>;

/** What a cancellation answers: how many attempts were ended or are being ended. */
export const cancelView = z.object({ cancelled: z.number(), run: runView });
export type CancelView = z.infer<typeof cancelView>;
