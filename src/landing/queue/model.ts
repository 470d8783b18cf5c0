// The landing queue as people and programs see it, and the closed lists behind it.
import { z } from 'zod';
import { mergeMethods } from '../../repos/model.ts';
import { gateHold } from '../model.ts';

/**
 * `waiting`: the gate is held; it lands when that passes, and holds up nobody until then. `queued`: its turn is to come.
 * `testing`: a candidate that holds it is tested. `landing`: the target is being moved. The other three are ends.
 */
export const landingStates = [
  'waiting',
  'queued',
  'testing',
  'landing',
  'landed',
  'evicted',
  'cancelled',
] as const;
export type LandingState = (typeof landingStates)[number];

/** Why a landing is not further yet; every landing that has not ended has one, with the time since when. */
export const landingReasons = [
  'gate_held',
  'ready',
  'behind',
  'rebuild',
  'split',
  'retry',
  'lanes_running',
  'candidate_ahead',
  'target_busy',
  'paused',
  'landing',
] as const;
export type LandingReason = (typeof landingReasons)[number];

/** Why a landing ended. */
export const landingEndCauses = [
  'landed',
  'lane_failed',
  'run_failed',
  'infrastructure',
  'conflict',
  'not_fast_forward',
  'already_merged',
  'refused',
  'deadline',
  'pushed',
  'closed',
  'retargeted',
  'merged_by_hand',
  'not_allowed',
  'cancelled',
] as const;
export type LandingEndCause = (typeof landingEndCauses)[number];

export const candidateStates = ['testing', 'landing', 'landed', 'failed', 'abandoned'] as const;
export type CandidateState = (typeof candidateStates)[number];

const branchRef = z.object({ number: z.number(), name: z.string(), title: z.string(), url: z.string() });

/** One entry of the queue, live or ended. Branches are named by their numbers, runs by theirs. */
export const landingView = z.object({
  id: z.number(),
  branch: branchRef,
  target: z.string(),
  head: z.string(),
  revision: z.number(),
  /** The method asked for; null: the policy's or the repository's. */
  method: z.enum(mergeMethods).nullable(),
  actor: z.string(),
  actorKind: z.enum(['person', 'agent', 'system']),
  priority: z.number(),
  state: z.enum(landingStates),
  /** 1 is the next to land; null for what waits for its gate, and for what has ended. */
  position: z.number().nullable(),
  reason: z.enum(landingReasons).nullable(),
  /** One sentence: what it waits for. */
  detail: z.string(),
  /** One sentence: what happens next. */
  next: z.string(),
  since: z.string(),
  /** What the gate says, while it waits for it. */
  holds: z.array(gateHold),
  candidate: z.number().nullable(),
  /** The run of its candidate. */
  run: z.number().nullable(),
  /** The branches below it in its candidate and in those it stands on, in order. */
  testedWith: z.array(z.number()),
  /** The other branches of the same candidate. */
  batchedWith: z.array(z.number()),
  /** How often its candidate was tried again because a machine failed. */
  retries: z.number(),
  enqueuedAt: z.string(),
  deadlineAt: z.string(),
  ended: z
    .object({
      at: z.string(),
      cause: z.enum(landingEndCauses),
      /** One sentence. */
      why: z.string(),
      /** One sentence; empty when nothing is to be done. */
      wayOut: z.string(),
      lane: z.string().nullable(),
      run: z.number().nullable(),
      /** The branch that it could not land behind. */
      ahead: z.number().nullable(),
      /** The commit on the target. */
      commit: z.string().nullable(),
      by: z.string().nullable(),
    })
    .nullable(),
});
export type LandingView = z.infer<typeof landingView>;

export const candidateView = z.object({
  id: z.number(),
  state: z.enum(candidateStates),
  base: z.string(),
  /** The candidate whose commit it is built on; null: the tip of the target. */
  standsOn: z.number().nullable(),
  commit: z.string(),
  tree: z.string(),
  branches: z.array(z.number()),
  run: z.object({ number: z.number(), state: z.string(), url: z.string() }),
  retries: z.number(),
  createdAt: z.string(),
});
export type CandidateView = z.infer<typeof candidateView>;

const pauseView = z.object({ by: z.string().nullable(), reason: z.string(), since: z.string() });

/** All queues of a repository: one for each target that something wants to land on. */
export const queueView = z.object({
  repo: z.string(),
  paused: pauseView.nullable(),
  targets: z.array(
    z.object({
      target: z.string(),
      /** queued, testing and landing, in the order in which they land. */
      entries: z.array(landingView),
      /** Held by their gate; the oldest first. */
      waiting: z.array(landingView),
      /** Those that are tested now, each on the one before it. */
      candidates: z.array(candidateView),
    }),
  ),
  /** The last that ended, newest first. */
  ended: z.array(landingView),
});
export type QueueView = z.infer<typeof queueView>;

const fullOid = z.string().regex(/^[0-9a-f]{40}$/, 'must be a full object id of 40 hexadecimal digits');
export const maxPriority = 9;
const priority = z.coerce
  .number(`expected a number from 0 to ${maxPriority}`)
  .int(`expected a number from 0 to ${maxPriority}`)
  .min(0, `expected a number from 0 to ${maxPriority}`)
  .max(maxPriority, `expected a number from 0 to ${maxPriority}`);

/** What is left out is chosen by the repository: its method, the usual message, the end of the queue. */
export const landRequest = z.strictObject({
  /** The head the caller has seen; refused when the branch has moved on. */
  head: fullOid,
  method: z.enum(mergeMethods).optional(),
  message: z.string().max(65_536).optional(),
  priority: priority.optional(),
});

export const prioritizeRequest = z.strictObject({ priority });

/** A reason is shown on every entry that waits for it. */
export const pauseLandingsRequest = z.strictObject({ reason: z.string().trim().max(500).default('') });
