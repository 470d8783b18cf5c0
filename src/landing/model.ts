import { z } from 'zod';
import { branchView } from '../branches/model.ts';
import { runView } from '../ci/model.ts';
import { tutorialStates } from '../tutorials/model.ts';

export const holdKinds = [
  'not_open',
  'branch_broken',
  'stale_head',
  'no_run',
  'run_problem',
  'lane_not_green',
  'conflict',
  'already_merged',
  'no_common_history',
  'not_allowed',
] as const;

/** One thing that must change before the branch may land, and what would change it. */
export const gateHold = z.object({
  kind: z.enum(holdKinds),
  message: z.string(),
  wayOut: z.string(),
  lane: z.string().optional(),
  since: z.string().optional(),
});
export type GateHold = z.infer<typeof gateHold>;

export const gateView = z.object({ open: z.boolean(), holds: z.array(gateHold) });
export type GateView = z.infer<typeof gateView>;

/** What `ph status`, `ph wait` and the branch API answer: the branch with its run, tutorial and gate. */
export const branchStatusView = z.object({
  branch: branchView,
  run: runView.nullable(),
  tutorial: z.object({ state: z.enum(tutorialStates), steps: z.number() }).nullable(),
  gate: gateView,
});
export type BranchStatusView = z.infer<typeof branchStatusView>;

export const mergeRequest = z.strictObject({
  /** The head the caller has seen; the merge is refused when the branch has moved on. */
  head: z.string().regex(/^[0-9a-f]{40}$/, 'head is a full object id of 40 hexadecimal digits'),
  message: z.string().max(65_536).optional(),
});

export const mergeView = z.object({ merged: z.literal(true), commit: z.string(), target: z.string(), url: z.string() });
export type MergeView = z.infer<typeof mergeView>;
