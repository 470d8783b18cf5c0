// The settings of CI: how many lanes run at once and where, how they are claimed and ended, and what each may take.
import { z } from 'zod';
import { slurmSettings, slurmTarget } from './slurm-settings.ts';

const positive = z.number().int().min(1);

const laneTarget = z.discriminatedUnion('executor', [
  z.strictObject({
    executor: z.literal('local').default('local'),
    concurrency: positive.max(256).default(1),
  }),
  slurmTarget,
]);
const targetName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'a target is named by 1 to 64 of a-z, 0-9, _ and -')
  .refine((name) => name !== 'local', 'the places of local are ci.concurrency');

export const ciSettings = z
  .strictObject({
    concurrency: positive.max(256).default(2),
    allowUnsandboxed: z.boolean().default(true),
    sandbox: z.enum(['auto', 'bubblewrap', 'unshare', 'none']).default('auto'),
    leaseSeconds: positive.default(120),
    heartbeatSeconds: positive.default(30),
    graceSeconds: positive.default(10),
    /** A lane thread that cannot be ended in this time, blocked in the kernel, is left behind; its programs are not. */
    threadEndSeconds: positive.default(30),
    pollSeconds: positive.default(5),
    /** The places that lanes may name beside `local`, each with its own number of lanes at once. */
    targets: z.record(targetName, laneTarget).default({}),
    slurm: slurmSettings,
    /** A nightly runs at most this often, whatever its schedule says. */
    minNightlyMinutes: positive.default(5),
    /** A lane whose target does not exist here waits this long for the operator to add it. */
    unsatisfiableMinutes: positive.default(10),
    /** After two infrastructure failures or timeouts in a row a target rests this long. */
    unhealthyMinutes: positive.default(15),
    /** The wait before the first retry of a lane; each further one doubles it, up to the most. */
    retrySeconds: positive.default(15),
    maxRetrySeconds: positive.default(600),
    maxLanesPerManifest: positive.default(64),
    maxManifestBytes: positive.default(262_144),
    maxSecretsPerRepo: positive.default(100),
    maxSecretBytes: positive.max(128 * 1024).default(64 * 1024),
    maxStatusesPerCommit: positive.default(100),
    maxLaneMinutes: positive.default(24 * 60),
    maxLogBytes: positive.default(64 * 1024 * 1024),
    /** Of one attempt: its checkout and home, its temporary files in memory, and its programs and their threads. */
    maxDiskBytes: positive.default(20 * 1024 * 1024 * 1024),
    maxTemporaryBytes: positive.default(2 * 1024 * 1024 * 1024),
    maxPrograms: positive.default(4096),
    maxArtifacts: positive.default(2000),
    maxArtifactBytes: positive.default(1024 * 1024 * 1024),
    artifactDays: positive.default(30),
    maxReports: positive.default(200),
    maxReportBytes: positive.default(32 * 1024 * 1024),
    /** Of one attempt: the single tests its reports may tell of, and what reading them may take. */
    maxReportedTests: positive.default(10_000),
    maxReportMemoryBytes: positive.default(256 * 1024 * 1024),
    reportSeconds: positive.default(20),
    /** Attempts of a lane whose results are kept for the history of its tests. */
    maxTestHistory: positive.default(500),
    /** A test is called flaky so long after it last passed and failed with the same files. */
    flakyDays: positive.default(30),
    maxCacheBytes: positive.default(2 * 1024 * 1024 * 1024),
    maxRepoCacheBytes: positive.default(10 * 1024 * 1024 * 1024),
    /** The folders of failed attempts, for a shell into them; 0 minutes keep none. */
    keepMinutes: z.number().int().min(0).default(60),
    maxKeptFolders: positive.default(8),
    maxKeptBytes: positive.default(20 * 1024 * 1024 * 1024),
    shellMinutes: positive.max(24 * 60).default(30),
    maxShells: positive.default(4),
  })
  .prefault({})
  .refine(({ heartbeatSeconds, leaseSeconds }) => heartbeatSeconds < leaseSeconds, {
    path: ['heartbeatSeconds'],
    message: 'less than leaseSeconds, or every lane is taken for lost',
  });
