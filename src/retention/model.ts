import { z } from 'zod';
import { outdatedKinds } from '../lib/outdated.ts';

const kind = z.enum(outdatedKinds);

export const outdatedView = z.object({
  kind,
  /** `OWNER/NAME`; null for what belongs to no repository. */
  repo: z.string().nullable(),
  what: z.string(),
  why: z.string(),
  bytes: z.number(),
  /** Since when it has been what it is. */
  since: z.string(),
});
export type OutdatedView = z.infer<typeof outdatedView>;

const sumView = z.object({ kind: z.string(), count: z.number(), bytes: z.number() });
export type SumView = z.infer<typeof sumView>;

export const retentionView = z.object({
  disk: z.object({
    freeBytes: z.number(),
    totalBytes: z.number(),
    minFreeBytes: z.number(),
    isLow: z.boolean(),
  }),
  /** In days, for repositories that have no wishes of their own. */
  days: z.record(z.string(), z.number()),
  kept: z.array(sumView),
  /** What would go now, summed up; each sum may be cut, as `isCut` says. */
  wouldGo: z.array(sumView),
  isCut: z.boolean(),
  /** The first of them. */
  things: z.array(outdatedView),
  /** Of the last 30 days. */
  removed: z.array(sumView),
});
export type RetentionView = z.infer<typeof retentionView>;

/** What a pass took away. */
export const removedView = z.object({ removed: z.array(sumView), failed: z.number() });
export type RemovedView = z.infer<typeof removedView>;
