import { z } from 'zod';

const lines = z.array(z.string());

/** A place that git could not decide: what both sides have there, and the merged lines around it. */
export const conflictHunk = z.object({
  before: lines,
  target: lines,
  branch: lines,
  after: lines,
  /** Lines of either side that are left out because there are very many. */
  leftOut: z.number(),
});
export type ConflictHunk = z.infer<typeof conflictHunk>;

export const conflictFile = z.object({
  path: z.string(),
  /** What git says of the file, one sentence each. */
  messages: z.array(z.string()),
  /** Empty for what has no lines to compare: a binary file, one that a side deleted, one that is too large. */
  hunks: z.array(conflictHunk),
  /** Places that are not shown, because the file has very many. */
  moreHunks: z.number(),
  /** Why no lines are shown; null when they are. */
  without: z.enum(['binary', 'too_large', 'no_lines']).nullable(),
});
export type ConflictFile = z.infer<typeof conflictFile>;

export const conflictsView = z.object({
  branch: z.string(),
  target: z.string(),
  head: z.string(),
  targetHead: z.string(),
  /** Empty when the branch merges cleanly. */
  files: z.array(conflictFile),
  /** Files in conflict that are not shown, because there are very many. */
  moreFiles: z.number(),
  /** What to run in a clone to settle them. */
  commands: z.array(z.string()),
});
export type ConflictsView = z.infer<typeof conflictsView>;
