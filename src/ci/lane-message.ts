// What the forge and a lane thread say to each other. The thread is handed everything it needs in `start`;
// a result is a message and never read out of log text.
import { z } from 'zod';
import { failureKinds } from './model.ts';

export const tiers = ['bubblewrap', 'unshare', 'none'] as const;
export type Tier = (typeof tiers)[number];

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
  timeoutMs: z.number(),
  idleMs: z.number(),
  graceMs: z.number(),
  leaseMs: z.number(),
  heartbeatMs: z.number(),
  maxLogBytes: z.number(),
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

export const laneResult = z.strictObject({
  /** `stopped`: ended because it was asked to, by `cause`. */
  outcome: z.enum(['success', 'failed', 'stopped']),
  cause: z.enum(stopCauses).optional(),
  exitCode: z.number().optional(),
  signal: z.string().optional(),
  failureKind: z.enum(failureKinds).optional(),
  message: z.string().optional(),
});
export type LaneResult = z.infer<typeof laneResult>;

export const reportMessage = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready') }),
  z.strictObject({ type: z.literal('heartbeat'), logBytes: z.number() }),
  z.strictObject({ type: z.literal('output'), logBytes: z.number() }),
  z.strictObject({ type: z.literal('finished'), logBytes: z.number(), result: laneResult }),
]);
export type ReportMessage = z.infer<typeof reportMessage>;
