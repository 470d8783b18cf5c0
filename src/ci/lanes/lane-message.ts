// What the forge and a lane thread say to each other. The thread is handed everything it needs in `start`;
// a result is a message and never read out of log text.
import { z } from 'zod';
import { failureKinds } from '../model.ts';
import { reportedTests } from '../tests/reported-tests.ts';

export const tiers = ['bubblewrap', 'unshare', 'none'] as const;
export type Tier = (typeof tiers)[number];

/** How this machine limits the programs of a lane and keeps them together. */
export const laneBounds = z.strictObject({
  /** The path of prlimit, where there is one. */
  prlimit: z.string().optional(),
  /** Who counts the programs of a lane: its own user namespace, a cgroup, or nobody but the thread, now and then. */
  programs: z.enum(['namespace', 'cgroup', 'counted']),
  /** The folder in which the cgroups of attempts are made. */
  cgroups: z.string().optional(),
  /** Argv of a program that keeps orphans, where there is no PID namespace. */
  subreaper: z.array(z.string()).optional(),
});
export type Bounds = z.infer<typeof laneBounds>;

export const startMessage = z.strictObject({
  type: z.literal('start'),
  attemptId: z.number(),
  token: z.number(),
  /** Stands in the environment of every program of this attempt, so that none can hide after `setsid`. */
  cookie: z.string(),
  title: z.string(),
  attemptNumber: z.number(),
  commit: z.string().regex(/^[0-9a-f]{40}$/),
  command: z.union([z.string(), z.array(z.string())]),
  env: z.record(z.string(), z.string()),
  /** The objects folder of the bare repository. */
  objects: z.string(),
  /** A folder of this attempt alone; made by the thread and removed at its end. */
  folder: z.string(),
  logFolder: z.string(),
  dataFolder: z.string(),
  searchPath: z.string(),
  tier: z.enum(tiers),
  bounds: laneBounds,
  timeoutMs: z.number(),
  idleMs: z.number(),
  graceMs: z.number(),
  leaseMs: z.number(),
  heartbeatMs: z.number(),
  maxLogBytes: z.number(),
  /** Without it, a sandbox gives the lane no network but its own loopback. */
  network: z.boolean(),
  /** By the name of their variable; masked in everything that is kept as text. */
  secrets: z.record(z.string(), z.string()),
  /** Lines for the head of the log: what the lane asked for and does not get. */
  notes: z.array(z.string()),
  /** `${hash:glob}` in a key is resolved over the checkout. */
  caches: z.array(z.strictObject({ key: z.string(), paths: z.array(z.string()) })),
  /** The only folder that new caches are put down in, and those that are looked into besides, best first. */
  cacheFolder: z.string(),
  readableCaches: z.array(z.string()),
  /** Globs over the checkout at the lane's end. */
  artifacts: z.array(z.string()),
  artifactsFolder: z.string(),
  reports: z.array(z.string()),
  reportsFolder: z.string(),
  /** Whether the folder of a failed attempt stays, for a shell into it. */
  keepFolder: z.boolean(),
  maxTreeFiles: z.number(),
  /** Of the attempt's folder. In bubblewrap, temporary files lie in memory and have a limit of their own. */
  maxDiskBytes: z.number(),
  /** With less left on the disk, the lane ends. */
  minFreeBytes: z.number(),
  maxTemporaryBytes: z.number(),
  maxPrograms: z.number(),
  maxCacheBytes: z.number(),
  maxArtifacts: z.number(),
  maxArtifactBytes: z.number(),
  maxReports: z.number(),
  maxReportBytes: z.number(),
  maxReportedTests: z.number(),
  maxReportMemoryBytes: z.number(),
  reportMs: z.number(),
});
export type StartMessage = z.infer<typeof startMessage>;

/** Why a thread ends its lane before its program does. */
export const stopCauses = ['cancelled', 'requeue', 'lost'] as const;
export type StopCause = (typeof stopCauses)[number];

export const orderMessage = z.discriminatedUnion('type', [
  startMessage,
  z.strictObject({ type: z.literal('stop'), cause: z.enum(stopCauses) }),
  z.strictObject({ type: z.literal('lease'), leaseMs: z.number() }),
]);
export type OrderMessage = z.infer<typeof orderMessage>;

export const storedArtifact = z.strictObject({ path: z.string(), bytes: z.number(), sha256: z.string() });
export type StoredArtifact = z.infer<typeof storedArtifact>;

/** `stored` is the name of the copy in the reports folder; secrets are masked in it. */
export const storedReport = z.strictObject({ path: z.string(), stored: z.string() });
export type StoredReport = z.infer<typeof storedReport>;

export const cacheUse = z.strictObject({
  /** With its hashes resolved. */
  key: z.string(),
  /** `saved`: a miss whose paths are put down in the cache folder and count once the end of the lane is kept. */
  outcome: z.enum(['hit', 'saved', 'miss']),
  bytes: z.number(),
  /** Of a hit: the folder it came from. Of a saved one: the name under which it waits there. */
  place: z.string().optional(),
});
export type CacheUse = z.infer<typeof cacheUse>;

export const laneResult = z.strictObject({
  /** `stopped`: ended because it was asked to, by `cause`. */
  outcome: z.enum(['success', 'failed', 'stopped']),
  cause: z.enum(stopCauses).optional(),
  exitCode: z.number().optional(),
  signal: z.string().optional(),
  failureKind: z.enum(failureKinds).optional(),
  message: z.string().optional(),
  artifacts: z.array(storedArtifact).optional(),
  reports: z.array(storedReport).optional(),
  tests: reportedTests.optional(),
  caches: z.array(cacheUse).optional(),
  /** The attempt's folder, when it was kept. */
  keptFolder: z.string().optional(),
});
export type LaneResult = z.infer<typeof laneResult>;

export const reportMessage = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready') }),
  z.strictObject({ type: z.literal('heartbeat'), logBytes: z.number() }),
  z.strictObject({ type: z.literal('output'), logBytes: z.number() }),
  z.strictObject({ type: z.literal('finished'), logBytes: z.number(), result: laneResult }),
]);
export type ReportMessage = z.infer<typeof reportMessage>;
