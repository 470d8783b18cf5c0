// What a reviewer need not look at twice: files that were viewed, and what changed since an earlier revision.
import { z } from 'zod';
import { branchDiffView, reviewRequest } from './model.ts';

export const viewedRequest = z.strictObject({
  /** As the difference calls the file: its new name, or the old one of a deleted file. */
  path: z.string().min(1).max(4096),
  viewed: z.boolean(),
  /** The head that was read. */
  head: reviewRequest.shape.head,
});

const progress = { viewed: z.number(), total: z.number() };
export const viewedView = z.object({
  revision: z.number(),
  head: z.string(),
  /** How many of the files are viewed, and how many there are. */
  ...progress,
  files: z.array(z.object({ path: z.string(), viewed: z.boolean() })),
});
export const viewedAnswer = z.object({ path: z.string(), isViewed: z.boolean(), ...progress });

/**
 * A file of two revisions. `unchanged`: its content is the same. `rebased`: what the branch does to it is the same, on
 * other content. `new`: only the later revision changes it. `gone`: only the earlier one did.
 */
export const sinceLabels = ['changed', 'new', 'gone', 'rebased', 'unchanged'] as const;
export type SinceLabel = (typeof sinceLabels)[number];

const revisionNumber = z.coerce.number().int().min(1).max(1_000_000);
/** A revision, or the one that the caller reviewed last. */
export const sinceParameter = z.union([z.literal('review'), revisionNumber]);
export const sinceQuery = z.object({
  since: sinceParameter.default('review'),
  revision: revisionNumber.optional(),
});

export const sinceView = z.object({
  /** The earlier revision and the later one. */
  since: z.number(),
  revision: z.number(),
  head: z.string(),
  /** They stand on different commits of the target. What came from there is not in the differences. */
  rebased: z.boolean(),
  truncated: z.boolean(),
  files: z.array(
    z.object({
      path: z.string(),
      label: z.enum(sinceLabels),
      /** Carrying the earlier revision over met a conflict here, so this one is shown with what the target brought. */
      conflict: z.boolean(),
      /** What changed since; null for what did not. */
      diff: branchDiffView.shape.files.element.nullable(),
    }),
  ),
});
export type SinceView = z.infer<typeof sinceView>;
