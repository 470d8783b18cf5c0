// The settings of a target whose lanes go to Slurm. What becomes an option of sbatch is checked here, because an
// operator's typing error shall be told at the start and not by the first lane.
import { z } from 'zod';

const positive = z.number().int().min(1);
const word = (what: string) => z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.,-]{0,127}$/, what);
const path = z.string().regex(/^\/[^\n\0]*$/, 'an absolute path');

/** What may stand in `options`: nothing that changes how a job is named, started, followed or requeued. */
const freeOptions =
  /^--(?:qos|reservation|gres|nice|licenses|tmp|nodelist|exclude|mem-bind|threads-per-core|switches|gpus|mcs-label|wckey)=[^\s\0]{1,200}$|^--(?:exclusive|contiguous)$/;

export const slurmTarget = z.strictObject({
  executor: z.literal('slurm'),
  /** Lanes of this target that Slurm has at once, waiting there and running; what exceeds it waits here. */
  concurrency: positive.max(1000).default(64),
  partition: word('a partition').optional(),
  account: word('an account').optional(),
  /** Features of nodes, as `--constraint` takes them: `avx512&ssd`. */
  constraint: z
    .string()
    .regex(/^[A-Za-z0-9_.,&|*:()[\]-]{1,200}$/, 'features of nodes, as sbatch --constraint takes them')
    .optional(),
  cpus: positive.max(1024).default(1),
  memoryMebibytes: positive.default(2048),
  options: z
    .array(
      z
        .string()
        .regex(freeOptions, 'an option of sbatch such as --qos=low that the forge does not set itself'),
    )
    .max(20)
    .default([]),
  /** Where the nodes reach the forge; without it, its public address. */
  forgeUrl: z.url({ protocol: /^https?$/ }).optional(),
  /** The slurm.conf of the cluster, when it is not the one that Slurm's commands find by themselves. */
  configFile: path.optional(),
  /** On the nodes: PATH for Node, git and the sandbox, and the folder that checkouts are made in. */
  path: z.string().min(1).default('/usr/local/bin:/usr/bin:/bin'),
  scratch: path.default('/tmp'),
  sandbox: z.enum(['auto', 'bubblewrap', 'unshare', 'none']).default('auto'),
  allowUnsandboxed: z.boolean().default(false),
});
export type SlurmTarget = z.infer<typeof slurmTarget>;

/** How the forge follows its jobs; the same for every cluster. */
export const slurmSettings = z
  .strictObject({
    /** How often Slurm is asked while it has lanes. */
    pollSeconds: positive.default(5),
    commandSeconds: positive.default(30),
    maxAnswerBytes: positive.default(256 * 1024 * 1024),
    /** A lane whose jobs ended so often without a result fails. */
    maxJobsPerAttempt: positive.default(3),
    /** A job that has started and whose agent has not come to the forge in this time is ended. */
    startSeconds: positive.default(120),
    /** After sbatch refused a lane, its target rests so long; each further refusal in a row doubles it, up to the most. */
    retrySeconds: positive.default(15),
    maxRetrySeconds: positive.default(600),
    /** A node that lost a lane is not given that lane again for so long. */
    excludeHours: positive.default(24),
    /** Jobs that are gone are forgotten after so long. */
    keepDays: positive.default(14),
  })
  .prefault({});
