import { z } from 'zod';
import { branchStates, branchView } from '../branches/model.ts';
import { runView } from '../ci/model.ts';
import { branchName, mergeMethods } from '../repos/model.ts';
import { tutorialStates } from '../tutorials/model.ts';
import { landingSummary } from './summary-model.ts';

const holdKinds = [
  'not_open',
  'branch_broken',
  'stale_head',
  'no_run',
  'run_problem',
  'lane_not_green',
  'conflict',
  'not_fast_forward',
  'already_merged',
  'no_common_history',
  'no_target',
  'not_allowed',
  'target_under_review',
  'draft',
  'held',
  'approval_missing',
  'changes_asked',
  'unresolved_threads',
  'not_up_to_date',
  'owner_approval_missing',
  'too_large',
  'secret_found',
  'policy_unreadable',
] as const;
export type HoldKind = (typeof holdKinds)[number];

export const metKinds = [
  'lanes',
  'merges',
  'approvals',
  'owners',
  'threads',
  'up_to_date',
  'size',
  'secrets',
] as const;

/** One thing that must change before the branch may land, and what would change it. */
export const gateHold = z.object({
  kind: z.enum(holdKinds),
  message: z.string(),
  wayOut: z.string(),
  /** `itself`: it passes by waiting. `somebody`: it stays until somebody does what the way out says. */
  resolves: z.enum(['itself', 'somebody']),
  lane: z.string().optional(),
  since: z.string().optional(),
});
export type GateHold = z.infer<typeof gateHold>;

/** Something that is asked for and fulfilled. */
const gateMet = z.object({ kind: z.enum(metKinds), message: z.string() });
export type GateMet = z.infer<typeof gateMet>;

export const gateView = z.object({ open: z.boolean(), holds: z.array(gateHold), met: z.array(gateMet) });
export type GateView = z.infer<typeof gateView>;

/** What `ph status`, `ph wait` and the branch API answer: the branch with its run, tutorial and gate. */
export const branchStatusView = z.object({
  branch: branchView,
  run: runView.nullable(),
  tutorial: z.object({ state: z.enum(tutorialStates), steps: z.number() }).nullable(),
  gate: gateView,
  /** Its newest entry in the landing queue; null when it was never in it. */
  landing: landingSummary.nullable(),
});
export type BranchStatusView = z.infer<typeof branchStatusView>;

/** What ends a wait: CI at the commit, or the branch being merged or closed. */
const waitGoals = ['settled', 'landed'] as const;
export type WaitGoal = (typeof waitGoals)[number];

const fullOid = z.string().regex(/^[0-9a-f]{40}$/, 'must be a full object id of 40 hexadecimal digits');

/** `timeout` is in seconds and is capped by the forge; `seen` is the one of the last answer. */
export const waitQuery = z.object({
  commit: fullOid.optional(),
  for: z.enum(waitGoals).default('settled'),
  timeout: z.coerce.number().min(0).max(86_400).default(30),
  seen: z.string().max(100).optional(),
});

/**
 * `waiting`: not yet. `settled`: what was asked for has happened. `moved`: the commit was a head of the
 * branch and is not any more. `not_pushed`: it never was one.
 */
const waitOutcomes = ['waiting', 'settled', 'moved', 'not_pushed'] as const;

export const waitView = z.object({
  outcome: z.enum(waitOutcomes),
  /** Changes whenever the answer would; give it back to hear of the next change only. */
  seen: z.string(),
  status: branchStatusView,
});
export type WaitView = z.infer<typeof waitView>;

export const branchQuery = z.object({
  head: fullOid.optional(),
  name: z.string().max(200).optional(),
  state: z.enum(branchStates).optional(),
  /** The `next` of the page before. */
  before: z.coerce.number().int().min(1).optional(),
});

export const branchListView = z.object({ branches: z.array(branchView), next: z.number().nullable() });
export type BranchListView = z.infer<typeof branchListView>;

export const mergeRequest = z.strictObject({
  /** The head the caller has seen; the merge is refused when the branch has moved on. */
  head: fullOid,
  /** In place of the usual one; `GET …/merge` tells which may be chosen. */
  method: z.enum(mergeMethods).optional(),
  /** The whole commit message; empty or left out: the usual one. */
  message: z.string().max(65_536, 'a message has at most 65536 characters').optional(),
  /** Merges past a closed gate; for who maintains the repository. */
  force: z.strictObject({ reason: z.string().max(2000, 'a reason has at most 2000 characters') }).optional(),
});

/** How the branch would be merged: the methods that may be chosen, the usual one first, each with its usual message. */
export const mergeChoicesView = z.object({
  methods: z.array(z.object({ method: z.enum(mergeMethods), message: z.string() })),
});
export type MergeChoicesView = z.infer<typeof mergeChoicesView>;

export const retargetRequest = z.strictObject({ target: branchName });
export const revertRequest = z.strictObject({
  /** Why; it stands in the message of the commit. */
  reason: z.string().max(2000, 'a reason has at most 2000 characters').optional(),
});

export const mergeView = z.object({
  merged: z.literal(true),
  commit: z.string(),
  target: z.string(),
  url: z.string(),
});
export type MergeView = z.infer<typeof mergeView>;
