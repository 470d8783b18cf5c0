// What the forge and the program that runs a lane elsewhere say to each other over HTTP. It is what the forge and a lane
// thread say to each other, without the folders of the forge.
import { z } from 'zod';
import {
  cacheUse,
  laneResult,
  startMessage,
  storedArtifact,
  storedReport,
  tiers,
} from '../lanes/lane-message.ts';

const hex = /^[0-9a-f]+$/;

export const claimRequest = z.strictObject({
  /** A secret that the program has made: the same program may ask again when an answer is lost, and no other one. */
  session: z.string().regex(hex).length(64),
  job: z.string().max(200),
  node: z.string().max(200),
  /** The sandbox that was found there; null: none that is permitted works. */
  sandbox: z.enum(tiers).nullable(),
});
export type ClaimRequest = z.output<typeof claimRequest>;

/** A start message without what only the machine knows that runs the lane. */
export const laneOrder = startMessage
  .omit({
    type: true,
    objects: true,
    folder: true,
    logFolder: true,
    dataFolder: true,
    searchPath: true,
    tier: true,
    bounds: true,
    cacheFolder: true,
    readableCaches: true,
    artifactsFolder: true,
    reportsFolder: true,
    keepFolder: true,
  })
  .extend({
    /** The folders of caches that the lane may read, by their names; its own comes first. */
    cacheScopes: z.array(z.string().regex(/^[a-z0-9-]+$/)).min(1),
  });
export type LaneOrder = z.output<typeof laneOrder>;

export const beatView = z.strictObject({
  /** From the moment the request was sent. */
  leaseMs: z.number(),
  stop: z.enum(['cancelled']).nullable(),
});
export type BeatView = z.output<typeof beatView>;

export const logQuery = z.object({
  /** Where the bytes begin in the log. What the forge has already is passed over; a gap is refused. */
  offset: z.coerce.number('expected a byte offset').int().min(0).max(Number.MAX_SAFE_INTEGER),
});
export const logView = z.strictObject({ size: z.number() });

export const cacheQuery = z.object({
  key: z.string().min(1).max(1000),
  /** JSON: the paths that the cache is of. */
  paths: z.string().max(64 * 1024),
});
export const cachePaths = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: 'custom', message: 'expected a list of paths as JSON' });
      return z.NEVER;
    }
  })
  .pipe(z.array(z.string()).max(1000));
export const savedQuery = z.object({ place: z.coerce.number('expected a number').int().min(0).max(1000) });

const plainPath = z
  .string()
  .min(1)
  .max(4096)
  .refine(
    (path) => !path.startsWith('/') && !path.split('/').some((name) => name === '..' || name === ''),
    'expected a path within the checkout',
  );
/** As a report is called on the disk of the forge: a number and the ending of its name. */
export const storedName = z
  .string()
  .regex(/^[1-9][0-9]{0,5}(?:\.[a-z0-9]{1,8})?$/, 'expected 1.xml or the like');
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 in hex');

export const resultRequest = z.strictObject({
  result: laneResult.omit({ keptFolder: true, tests: true }).extend({
    artifacts: z
      .array(storedArtifact.extend({ path: plainPath, sha256, bytes: z.number().int().min(0) }))
      .optional(),
    reports: z.array(storedReport.extend({ path: plainPath, stored: storedName })).optional(),
    caches: z.array(cacheUse).max(1000).optional(),
    message: z.string().max(4000).optional(),
  }),
  /** The attempt's folder on the node, which tests name in what they print. */
  folder: z.string().startsWith('/').max(4096),
});
export type ResultRequest = z.output<typeof resultRequest>;
export type AwayResult = ResultRequest['result'];

export const toldView = z.strictObject({ told: z.literal(true) });
