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

/** Why an attempt exists; undefined on the rows of an older program. */
export const attemptCauses = ['push', 'rerun', 'retry', 'requeue', 'nightly'] as const;
export type AttemptCause = (typeof attemptCauses)[number];

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
  /** The id of the nightly that made the run, and the moment of its schedule. */
  nightly: string | undefined;
  dueAt: number | undefined;
  /** The commit of the target branch whose manifest said which lanes are required. */
  policyOid: string | undefined;
  /** Of a landing run: the branch it would be merged into, and the names of those that are merged. */
  target: string | undefined;
  landingBranches: string[];
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
  /** Where it runs or ran, in words for people, when that is not the machine of the forge. */
  node: string | undefined;
  logBytes: number;
  requestedByName: string | undefined;
  /** A retry is not claimed earlier. */
  notBefore: number | undefined;
  cause: AttemptCause | undefined;
  /** Until then its folder is kept for a debug shell. */
  keptUntil: number | undefined;
  /** When retention took its log away. */
  logRemovedAt: number | undefined;
}

/** What a lane asks for beyond its command, as its manifest states it. */
export interface LaneExtras {
  /** The values of this lane among those of its matrix. */
  matrix?: Record<string, string>;
  /** A key may hold `${hash:pattern}`, which the lane's side resolves over the checkout. */
  caches: { key: string; paths: string[] }[];
  /** Patterns of lib/glob.ts. */
  artifacts: string[];
  reports: string[];
  /** The secrets that the lane asks for and the target branch lets it have. */
  secrets: string[];
  /** Asked for by the branch, but not by the lane of that name on the target branch. */
  refusedSecrets?: string[];
  network: boolean;
  /** How often a failure of a kind is tried again. */
  retry: Partial<Record<FailureKind, number>>;
  /** A newer head does not cancel it. */
  keepRunning: boolean;
  /** The target branch requires the lane; the branch has it no more, or made it optional. */
  requiredByTarget?: 'absent' | 'optional';
}

/** What lanes of an older program, and lanes without any of these keys, ask for. */
export const plainExtras: LaneExtras = {
  caches: [],
  artifacts: [],
  reports: [],
  secrets: [],
  network: true,
  retry: {},
  keepRunning: false,
};

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
  /** The place it runs on; `local` unless the manifest names another. */
  target: string;
  extras: LaneExtras;
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
  /** Of a cluster, with the number of its job; null for a lane that no agent has taken. */
  node: z.string().nullable(),
  logBytes: z.number(),
  /** Until then a debug shell opens in what the attempt left behind. */
  keptUntil: time,
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

/** A lane that runs by the clock, with its last runs, newest first. */
export const nightlyView = z.object({
  id: z.string(),
  schedule: z.string(),
  dueAt: z.string(),
  runs: z.array(
    z.object({
      number: z.number(),
      state: z.enum(runStates),
      head: z.string(),
      createdAt: z.string(),
      url: z.string(),
    }),
  ),
});
export type NightlyView = z.infer<typeof nightlyView>;
export const nightlyListView = z.object({ nightlies: z.array(nightlyView) });

/** What a rerun answers: the lanes that were queued again, in the order of the manifest. */
export const rerunView = z.object({ queued: z.array(z.string()), run: runView });

/** What a cancellation answers: how many attempts were ended or are being ended. */
export const cancelView = z.object({ cancelled: z.number(), run: runView });

export const artifactListView = z.object({
  artifacts: z.array(
    z.object({
      path: z.string(),
      bytes: z.number(),
      sha256: z.string(),
      /** Where it is downloaded. */
      url: z.string(),
    }),
  ),
});
export type ArtifactView = z.infer<typeof artifactListView>['artifacts'][number];

/** Lines of a log that hold a text; `next` is before `size` when the search was cut. */
export const logHitsView = z.object({
  hits: z.array(z.object({ line: z.number(), text: z.string() })),
  from: z.number(),
  next: z.number(),
  size: z.number(),
});

/** What marking a lane failed and requeueing it answer. */
export const laneOrderView = z.object({ lane: z.string(), run: runView });
export type LaneOrderView = z.infer<typeof laneOrderView>;

/** What recovering a run answers: was it planned again, which lanes were queued again, which waits for a retry ended. */
export const recoverView = z.object({
  planned: z.boolean(),
  queued: z.array(z.string()),
  hastened: z.array(z.string()),
  run: runView,
});
export type RecoverView = z.infer<typeof recoverView>;

/** The run at the branch's tip, or of the nightly, that goes on now. */
export const runAgainView = z.object({ run: runView });
export type RunAgainView = z.infer<typeof runAgainView>;

const placedLane = {
  repo: z.string(),
  run: z.number(),
  lane: z.string(),
  attempt: z.number(),
  branch: z.string().nullable(),
  target: z.string(),
  group: z.string().nullable(),
  url: z.string(),
};

/** CI as an operator sees it: the pause, what runs, what waits and why, the targets with their places and health. */
export const ciView = z.object({
  paused: z.object({ at: z.string(), by: z.string().nullable(), reason: z.string() }).nullable(),
  /** Places that are lost until their programs, which cannot be ended, are gone. */
  lost: z.array(z.object({ attemptId: z.number(), since: z.string(), programs: z.number() })),
  running: z.array(
    z.object({
      ...placedLane,
      state: z.enum(attemptStates),
      startedAt: z.string(),
      confirmedAt: time,
      leaseUntil: time,
      message: z.string().nullable(),
    }),
  ),
  /** As many as a page holds, the longest waiting first; `reasons` counts all of them. */
  waiting: z.array(
    z.object({
      ...placedLane,
      reason: z.enum(queueReasons),
      reasonDetail: z.string().nullable(),
      reasonSince: z.string(),
    }),
  ),
  reasons: z.array(z.object({ reason: z.enum(queueReasons), count: z.number() })),
  targets: z.array(
    z.object({
      name: z.string(),
      /** Null for a target that the configuration does not have. */
      places: z.number().nullable(),
      /** Places of lanes that run, or whose programs are not verified gone. */
      taken: z.number(),
      healthy: z.boolean(),
      failures: z.number(),
      unhealthyUntil: time,
      message: z.string().nullable(),
      /** The one repository whose lanes alone are kept away. */
      repo: z.string().nullable(),
    }),
  ),
});
export type CiView = z.infer<typeof ciView>;
