// How long a repository keeps what only piles up: its own wishes, and what is in force.
import { z } from 'zod';

export const maxRepoRetentionDays = 36_500;
const wish = z
  .number('expected a number of days')
  .int('expected whole days')
  .min(1, 'at least one day')
  .max(maxRepoRetentionDays, `at most ${maxRepoRetentionDays} days`)
  .nullable();

export const retentionParts = ['logDays', 'artifactDays', 'runDays', 'revisionDays'] as const;
export type RetentionPart = (typeof retentionParts)[number];

/** Null: as long as the forge keeps it. What is left out stays as it is. */
export const retentionRequest = z.strictObject({
  logDays: wish.optional(),
  artifactDays: wish.optional(),
  runDays: wish.optional(),
  revisionDays: wish.optional(),
});
export type RetentionRequest = z.infer<typeof retentionRequest>;

const daysOfAll = z.object({
  logDays: z.number(),
  artifactDays: z.number(),
  runDays: z.number(),
  revisionDays: z.number(),
});
export type RetentionDays = z.infer<typeof daysOfAll>;

export const repoRetentionView = z.object({
  inForce: daysOfAll,
  /** What the repository has of its own; null: what the forge says. */
  own: z.object({
    logDays: wish,
    artifactDays: wish,
    runDays: wish,
    revisionDays: wish,
  }),
  forge: daysOfAll,
});
export type RepoRetentionView = z.infer<typeof repoRetentionView>;
