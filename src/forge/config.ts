// The settings in force: defaults, then the TOML file in the data directory, then PIKA_* of the environment.
// The only reader of process.env for the forge. Every number has its unit in its name.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { z } from 'zod';
import { ForgeError, errorMessage } from '../lib/errors.ts';
import { isAddressRange } from '../lib/address-range.ts';
import { readPublicKey } from '../lib/nostr.ts';
import { sshSocketOf } from '../lib/socket-path.ts';
import { healthSettings } from './health-settings.ts';
import { backupSettings } from './backup-settings.ts';
import { agentSettings } from './agent-settings.ts';
import { mailSettings } from './mail-settings.ts';
import { tutorialSettings } from './tutorial-settings.ts';
import { slurmSettings, slurmTarget } from './slurm-settings.ts';
import { mirrorSettings } from './mirror-settings.ts';
import { retentionSettings } from './retention-settings.ts';

const port = z.number().int().min(0).max(65_535);
const positive = z.number().int().min(1);

const listen = (defaultPort: number) =>
  z
    .strictObject({ host: z.string().min(1).default('127.0.0.1'), port: port.default(defaultPort) })
    .prefault({});

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

const ciSettings = z
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
  .prefault({});

const limits = z
  .strictObject({
    maxPushBytes: positive.default(1024 * 1024 * 1024),
    maxFileBytes: positive.default(100 * 1024 * 1024),
    maxRefsPerPush: positive.default(200),
    maxProtectedPatterns: positive.default(100),
    maxCommentBytes: positive.default(64 * 1024),
    /** Comments and reviews of one branch, drafts too. */
    maxCommentsPerBranch: positive.default(2000),
    maxCommentedLines: positive.default(1000),
    /** Of one reader: marks of files that need no second look. */
    maxViewedFilesPerBranch: positive.default(10_000),
    maxPathDepth: positive.default(64),
    maxTreeFiles: positive.default(1_000_000),
    maxRequestBytes: positive.default(1024 * 1024),
    maxDiffFiles: positive.default(3000),
    maxDiffBytes: positive.default(20 * 1024 * 1024),
    /** Histories, blames and differences that are read at the same time, and how many wait for their turn. */
    maxCostlyReads: positive.default(4),
    maxWaitingReads: positive.default(64),
    readSeconds: positive.default(10),
    maxFolderEntries: positive.default(1000),
    maxSearchNames: positive.default(200_000),
    maxShownFileBytes: positive.default(1024 * 1024),
    maxShownImageBytes: positive.default(20 * 1024 * 1024),
    maxSearchFiles: positive.default(100),
    maxSearchLinesPerFile: positive.default(10),
    maxDownloads: positive.default(24),
    downloadSeconds: positive.default(3600),
    maxArchives: positive.default(3),
    archiveSeconds: positive.default(600),
    maxBlameBytes: positive.default(5 * 1024 * 1024),
    maxRowsPerPage: positive.default(50),
    /** Of the audit log in one download. */
    maxExportedRows: positive.default(1_000_000),
    maxLiveSubscribers: positive.default(500),
    maxSshConnections: positive.default(200),
    /** Git clients served at once, and how many wait for a place, at most how long. */
    maxGitProcesses: positive.default(32),
    maxGitProcessesPerRepo: positive.default(24),
    maxWaitingGit: z.number().int().min(0).default(256),
    gitQueueSeconds: positive.default(300),
    maxPushOptions: positive.default(32),
    maxPushOptionBytes: positive.default(32 * 1024),
    /** A git client for which the forge waits so long is dropped: over HTTP, and over SSH, where hooks of the client take their time. */
    httpStallSeconds: positive.default(60),
    sshStallSeconds: positive.default(1800),
    maxHttpConnections: positive.default(2000),
    httpHeaderSeconds: positive.default(20),
    maxLfsObjectBytes: positive.default(5 * 1024 * 1024 * 1024),
    maxLfsRepoBytes: positive.default(100 * 1024 * 1024 * 1024),
    maxLfsBatchObjects: positive.default(1000),
    maxLfsTransfers: positive.default(64),
    maxLfsTransfersPerCaller: positive.default(24),
    maxLfsLocks: positive.default(10_000),
    lfsIdleSeconds: positive.default(60),
    lfsPassSeconds: positive.default(1800),
    sshHandshakeSeconds: positive.default(15),
    gitSeconds: positive.default(3600),
    /** With less free disk the forge does not start. */
    minFreeMebibytes: positive.default(64),
    waitSeconds: positive.default(60),
    sessionDays: positive.default(30),
    /** What nobody has dismissed leaves an inbox by itself after this. */
    inboxDays: positive.default(60),
    maxKeysPerAccount: positive.default(50),
    maxPasskeysPerAccount: positive.default(20),
    maxTokensPerAccount: positive.default(200),
    maxSessionsPerAccount: positive.default(100),
    maxDeployKeysPerRepo: positive.default(50),
  })
  .prefault({});

/** How often one account, or one address that is not signed in, may ask; the machine of the forge itself is not counted. */
const rates = z
  .strictObject({
    requestsPerMinute: positive.default(3000),
    writesPerMinute: positive.default(600),
    /** Blames, searches, histories, comparisons, archives. */
    costlyPerMinute: positive.default(300),
    signInsPerMinute: positive.default(30),
  })
  .prefault({});

const landingSettings = z
  .strictObject({
    /** The queue looks by itself this often; mostly it is woken. */
    pollSeconds: positive.default(15),
    /** The gate of an entry is asked again after so long, although nothing told that it changed. */
    recheckSeconds: positive.default(60),
    maxEntriesPerRepo: positive.default(500),
    /** The commit of a candidate that failed can be fetched for so long. */
    keepCandidateDays: positive.default(14),
  })
  .prefault({});

const housekeeping = z
  .strictObject({
    /** A repository that was pushed to is looked at this often, any other one every hour. */
    everyMinutes: positive.default(10),
    maxLooseObjects: positive.default(2000),
    maxPacks: positive.default(20),
    maxLooseRefs: positive.default(200),
    minIndexedObjects: positive.default(1000),
    /** A sweep takes away what nothing has reached for the days of grace. */
    sweepDays: positive.default(5),
    graceDays: positive.default(14),
    stepMinutes: positive.default(60),
  })
  .prefault({});

const webhooks = z
  .strictObject({
    /** Addresses and ranges (`10.1.0.0/16`) that webhooks may reach although they are not public. */
    allowedRanges: z
      .array(z.string().refine(isAddressRange, 'an address or a range such as 10.1.0.0/16'))
      .default([]),
    /** Asked in the place of those of the system, as `ADDRESS` or `ADDRESS:PORT`. */
    nameServers: z.array(z.string()).default([]),
    maxPerRepo: positive.default(20),
    /** Of one exchange, from the look-up of the name to the beginning of the answer's body. */
    timeoutSeconds: positive.max(60).default(10),
    maxAnswerBytes: positive.default(4096),
    /** Receivers that are sent to at once; each of them gets one thing at a time, in order. */
    maxSending: positive.max(64).default(8),
    maxAttempts: positive.default(10),
    /** A receiver that failed rests so long; each further failure in a row doubles it, up to the most. */
    retrySeconds: positive.default(30),
    maxRetrySeconds: positive.default(3600),
    maxQueuedPerWebhook: positive.default(1000),
    maxQueuedHours: positive.default(72),
    keepDays: positive.default(14),
  })
  .prefault({});

const configSchema = z.strictObject({
  http: listen(8787),
  ssh: listen(2222),
  /** Where people reach git over SSH, when that is not the forge's own server: the system's sshd, a forwarded port. */
  publicSsh: z.strictObject({ host: z.string().min(1), port: port.min(1).default(22) }).optional(),
  /** The origin that people type, e.g. `https://git.example.org`; without it the HTTP address is used. */
  publicUrl: z.url({ protocol: /^https?$/ }).optional(),
  /** Addresses of reverse proxies whose X-Forwarded-* headers are believed. */
  trustedProxies: z.array(z.string()).default([]),
  /** Admins who sign in with a Nostr key; made at the start when they are not there yet. */
  admins: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        npub: z.string().refine((text) => readPublicKey(text) !== undefined, 'a public key of Nostr, npub1…'),
      }),
    )
    .default([]),
  logLevel: z.enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug']).default('warn'),
  ci: ciSettings,
  laneAgents: agentSettings,
  limits,
  rates,
  landing: landingSettings,
  housekeeping,
  tutorials: tutorialSettings,
  webhooks,
  mail: mailSettings,
  retention: retentionSettings,
  mirror: mirrorSettings,
  backups: backupSettings,
  health: healthSettings,
});

export type Settings = z.infer<typeof configSchema>;

/** Where everything that must survive lives; all paths absolute. */
export interface Paths {
  data: string;
  database: string;
  repos: string;
  spool: string;
  lfs: string;
  lanes: string;
  checkouts: string;
  caches: string;
  keys: string;
  gitHome: string;
  backups: string;
  controlSocket: string;
  /** Where the system's sshd hands its clients over. */
  sshSocket: string;
}

export interface Config extends Settings {
  paths: Paths;
  /** PATH for the programs the forge starts (git, the sandbox). */
  searchPath: string;
}

export type SettingsOverride = Record<string, unknown>;

/**
 * Reads the configuration of a data directory. `overrides` (from the command line) win over the file
 * and the environment. Refuses (`invalid`) with the file, the key and what was expected.
 */
export function readConfig(
  dataFolder: string,
  overrides: SettingsOverride = {},
  environment: NodeJS.ProcessEnv = process.env,
): Config {
  const fromFile = readTomlFile(join(dataFolder, 'pika.toml'));
  const merged = mergeSettings(mergeSettings(fromFile, readEnvironment(environment)), overrides);
  const parsed = configSchema.safeParse(merged);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const key = issue?.path.join('.') || 'the top level';
    throw new ForgeError('invalid', `Configuration: ${key}: ${issue?.message ?? 'not understood'}.`);
  }
  return {
    ...parsed.data,
    paths: listPaths(dataFolder),
    searchPath: environment['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
  };
}

function listPaths(data: string): Paths {
  return {
    data,
    database: join(data, 'forge.db'),
    repos: join(data, 'repos'),
    spool: join(data, 'spool'),
    lfs: join(data, 'lfs'),
    lanes: join(data, 'lanes'),
    checkouts: join(data, 'checkouts'),
    caches: join(data, 'caches'),
    keys: join(data, 'keys'),
    gitHome: join(data, 'git'),
    backups: join(data, 'backups'),
    controlSocket: join(data, 'control.sock'),
    sshSocket: sshSocketOf(data),
  };
}

function readTomlFile(path: string): SettingsOverride {
  if (!existsSync(path)) return {};
  try {
    return parseToml(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new ForgeError('invalid', `Configuration: ${path} is not valid TOML: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

/** PIKA_PUBLIC_URL, PIKA_LOG_LEVEL, PIKA_CONCURRENCY: what a container or a unit file sets. */
function readEnvironment(environment: NodeJS.ProcessEnv): SettingsOverride {
  const settings: SettingsOverride = {};
  if (environment['PIKA_PUBLIC_URL']) settings['publicUrl'] = environment['PIKA_PUBLIC_URL'];
  if (environment['PIKA_LOG_LEVEL']) settings['logLevel'] = environment['PIKA_LOG_LEVEL'];
  if (environment['PIKA_CONCURRENCY']) {
    settings['ci'] = { concurrency: Number(environment['PIKA_CONCURRENCY']) };
  }
  return settings;
}

function isTable(value: unknown): value is SettingsOverride {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mergeSettings(base: SettingsOverride, over: SettingsOverride): SettingsOverride {
  const merged = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const existing = merged[key];
    merged[key] = isTable(existing) && isTable(value) ? mergeSettings(existing, value) : value;
  }
  return merged;
}
