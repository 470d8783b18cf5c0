// The settings of backups: where the scheduled ones go, how often, and what is left out of them.
import { isAbsolute } from 'node:path';
import { z } from 'zod';

const positive = z.number().int().min(1);

export const backupSettings = z
  .strictObject({
    /** Where backups are made by themselves, best on another disk; without one they are made only when somebody asks. */
    folder: z.string().refine(isAbsolute, 'an absolute path, such as /mnt/backup/pika').optional(),
    everyHours: positive.default(24),
    /** So many backups stay in the folder; what only older ones needed goes. */
    keep: positive.max(10_000).default(14),
    /** Logs and results of tests of lanes, and the files that lanes kept for people. */
    logs: z.boolean().default(true),
    artifacts: z.boolean().default(true),
    /** When a repository has so many packs in the folder, its next backup is a whole one in a single pack. */
    maxPacksPerRepo: positive.default(50),
    /** Of one repository. */
    packMinutes: positive.default(240),
    /** After one that failed, the next scheduled one waits so long. */
    retryMinutes: positive.default(15),
    /** Copies of the database from before an upgrade that stay in the data folder. */
    keepBeforeUpgrade: positive.default(5),
  })
  .prefault({});
