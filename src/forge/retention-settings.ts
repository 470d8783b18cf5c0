// How long the forge keeps what only piles up, and how much of it. What something still needs stays whatever is said here.
import { z } from 'zod';

const positive = z.number().int().min(1);
const gibibyte = 1024 ** 3;

export const maxRetentionDays = 36_500;
const days = positive.max(maxRetentionDays);

export const retentionSettings = z
  .strictObject({
    /** How often the forge looks for what may go; on a full disk it looks every minute. */
    everyMinutes: positive.default(60),
    /** The logs of attempts, and all logs of one repository together. */
    logDays: days.default(90),
    maxRepoLogBytes: positive.default(10 * gibibyte),
    /** All artifacts of one repository together; ci.artifactDays says how long each stays. */
    maxRepoArtifactBytes: positive.default(20 * gibibyte),
    /** Attempts that a later one of the same lane has taken the place of. */
    attemptDays: days.default(180),
    /** Runs with all they hold; the newest `keepRuns` of a repository stay. */
    runDays: days.default(365),
    keepRuns: z.number().int().min(0).default(50),
    /** The code of superseded revisions, after their branch was merged or closed; what was reviewed or commented on stays. */
    revisionDays: days.default(180),
    /** Caches that nobody used for so long. */
    cacheDays: days.default(30),
    /** What other systems said of commits that nothing stands at any more. */
    statusDays: days.default(365),
    /** Large files that no repository has. */
    largeFileDays: days.default(7),
    /** Without it the audit log stays for ever. */
    auditDays: days.optional(),
  })
  .prefault({});
