// The settings in force: defaults, then the TOML file in the data directory, then PIKA_* of the environment.
// The only reader of process.env for the forge. Every number has its unit in its name.
import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { parse as parseToml, TomlError } from 'smol-toml';
import { z } from 'zod';
import { ForgeError, errorMessage } from '../lib/errors.ts';
import { isAddressRange, isNameServer } from '../lib/address-range.ts';
import { readPublicKey } from '../lib/nostr.ts';
import { sshSocketOf } from '../lib/socket-path.ts';
import { healthSettings } from './health-settings.ts';
import { backupSettings } from './backup-settings.ts';
import { ciSettings } from './ci-settings.ts';
import { agentSettings } from './agent-settings.ts';
import { mailSettings } from './mail-settings.ts';
import { tutorialSettings } from './tutorial-settings.ts';
import { mirrorSettings } from './mirror-settings.ts';
import { retentionSettings } from './retention-settings.ts';
import { settingsRefusal } from './settings-refusal.ts';

const port = z.number().int().min(0).max(65_535);
const positive = z.number().int().min(1);

const listen = (defaultPort: number) =>
  z
    .strictObject({ host: z.string().min(1).default('127.0.0.1'), port: port.default(defaultPort) })
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
    nameServers: z.array(z.string().refine(isNameServer, 'an address, or ADDRESS:PORT')).default([]),
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

const isHost = (text: string): boolean =>
  /^[\w.-]+$/.test(text) || isIP(text.replace(/^\[(.*)\]$/, '$1')) !== 0;

/** Pages, cookies and keys are those of a whole host, so a forge cannot live below a path of another server. */
const isOrigin = (text: string): boolean => /^https?:\/\/[^/?#@\s]+\/*$/.test(text) && URL.canParse(text);

/** The words are express's own. */
const isProxy = (text: string): boolean =>
  isAddressRange(text) || ['loopback', 'linklocal', 'uniquelocal'].includes(text);

const configSchema = z.strictObject({
  http: listen(8787),
  ssh: listen(2222),
  /** Where people reach git over SSH, when that is not the forge's own server: the system's sshd, a forwarded port. */
  publicSsh: z
    .strictObject({
      host: z
        .string('the name or the address of a host')
        .refine(isHost, 'the name or the address of a host alone, such as git.example.org; the port is port'),
      port: port.min(1).default(22),
    })
    .optional(),
  /** The origin that people type, e.g. `https://git.example.org`; without it the HTTP address is used. */
  publicUrl: z
    .string('the address that people type, such as https://git.example.org')
    .refine(isOrigin, 'the address that people type, such as https://git.example.org, without a path')
    .optional(),
  /** Addresses and ranges of reverse proxies whose X-Forwarded-* headers are believed. */
  trustedProxies: z
    .array(z.string().refine(isProxy, 'an address or a range, such as 127.0.0.1 or 10.1.0.0/16'))
    .default([]),
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
  const path = join(dataFolder, 'pika.toml');
  const text = readText(path);
  const fromFile = text === undefined ? {} : readToml(path, text);
  const { settings, variables } = readEnvironment(environment);
  const merged = mergeSettings(mergeSettings(fromFile, settings), overrides);
  const parsed = configSchema.safeParse(merged);
  if (!parsed.success) throw settingsRefusal(configSchema, { path, text, variables }, parsed.error.issues);
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

function readText(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ForgeError('invalid', `${path} cannot be read: ${errorMessage(error)}.`, { cause: error });
  }
}

function readToml(path: string, text: string): SettingsOverride {
  try {
    return parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const summary = (error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '');
    throw new ForgeError('invalid', `${path}, line ${error.line}: this is not TOML: ${summary}.`, {
      cause: error,
    });
  }
}

/** What a container or a unit file sets, by the key that it stands for. */
const variableOf = new Map([
  ['publicUrl', 'PIKA_PUBLIC_URL'],
  ['logLevel', 'PIKA_LOG_LEVEL'],
  ['ci.concurrency', 'PIKA_CONCURRENCY'],
]);

function readEnvironment(environment: NodeJS.ProcessEnv): {
  settings: SettingsOverride;
  variables: ReadonlyMap<string, string>;
} {
  const variables = new Map([...variableOf].filter(([, name]) => environment[name]));
  const settings: SettingsOverride = {};
  for (const [key, name] of variables) {
    const text = environment[name];
    if (key === 'ci.concurrency') settings['ci'] = { concurrency: Number(text) };
    else settings[key] = text;
  }
  return { settings, variables };
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
