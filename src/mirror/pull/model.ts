// An upstream: where a repository comes from, once or again and again.
import { z } from 'zod';
import { visibilities } from '../../repos/model.ts';
import { credentialRequest, type CredentialKind } from '../model.ts';

/** What becomes of a ref here when the upstream rewrites or deletes it: the same, or nothing. */
export const pullRules = ['follow', 'keep'] as const;
export type PullRule = (typeof pullRules)[number];

export const pullStates = ['running', 'done', 'partial', 'failed', 'cancelled', 'interrupted'] as const;
export type PullState = (typeof pullStates)[number];

/**
 * `ahead` has more here than there; `diverged` was changed on both sides; `kept` is what a rule leaves as it was; `left-out` is
 * what this forge does not take. None of them is touched.
 */
export const pulledRefStates = ['in-step', 'ahead', 'diverged', 'kept', 'left-out'] as const;
export type PulledRefState = (typeof pulledRefStates)[number];

export const upstreamStates = [
  'pulling',
  'queued',
  'failing',
  'partial',
  'cancelled',
  'in-step',
  'idle',
] as const;
export type UpstreamState = (typeof upstreamStates)[number];

export interface Upstream {
  repoId: number;
  /** Without a secret. */
  url: string;
  patterns: string[];
  /** False for what was imported once. */
  follows: boolean;
  everyMinutes: number;
  rewrites: PullRule;
  deletions: PullRule;
  credential: CredentialKind;
  /** Of a deploy key, to be given to the upstream. */
  publicKey: string | undefined;
  hostKeys: string | undefined;
  wanted: number;
  done: number;
  pulledAt: number | undefined;
  token: number;
  leaseUntil: number | undefined;
  failures: number;
  restsUntil: number | undefined;
  problem: string | undefined;
  createdAt: number;
  createdByName: string | undefined;
}

export interface Pull {
  id: number;
  state: PullState;
  startedAt: number;
  finishedAt: number | undefined;
  created: number;
  moved: number;
  deleted: number;
  message: string | undefined;
}

export interface PulledRef {
  ref: string;
  /** Where the forge put it the last time that it moved it. */
  broughtOid: string | undefined;
  thereOid: string | undefined;
  state: PulledRefState;
  message: string | undefined;
}

export const usualPullPatterns = ['refs/heads/**', 'refs/tags/**'];

const pattern = z
  .string()
  .max(200, 'a pattern has at most 200 characters')
  .regex(/^!?refs\/(?:heads|tags)\/./, 'a pattern starts with refs/heads/ or refs/tags/');
const patterns = z
  .array(pattern)
  .min(1, 'choose at least one pattern of refs, such as refs/heads/**')
  .max(50, 'an upstream has at most 50 patterns');
const url = z.string().min(1, 'write the address of the repository').max(2000);
const rules = {
  patterns: patterns.default(usualPullPatterns),
  everyMinutes: z
    .number()
    .int()
    .min(1)
    .max(7 * 24 * 60)
    .default(10),
  rewrites: z.enum(pullRules).default('follow'),
  deletions: z.enum(pullRules).default('keep'),
};

/** Makes an upstream, or puts this one into the place of the one there is. */
export const upstreamRequest = z.strictObject({
  url,
  credential: credentialRequest.default({ kind: 'none' }),
  follows: z.boolean().default(true),
  ...rules,
});
export type UpstreamRequest = z.output<typeof upstreamRequest>;

export const upstreamChange = z.strictObject({
  follows: z.boolean().optional(),
  patterns: patterns.optional(),
  everyMinutes: rules.everyMinutes.unwrap().optional(),
  rewrites: z.enum(pullRules).optional(),
  deletions: z.enum(pullRules).optional(),
  /** A new one; without it, it stays as it is. */
  credential: credentialRequest.optional(),
  /** Believes the key that the SSH server shows the next time. */
  forgetHostKeys: z.boolean().optional(),
});
export type UpstreamChange = z.output<typeof upstreamChange>;

/** `same` is as it is there, where the other forge tells it. */
export const importVisibilities = [...visibilities, 'same'] as const;

export const importRequest = z.strictObject({
  owner: z.string(),
  name: z.string(),
  url,
  credential: z
    .union([
      z.strictObject({ kind: z.literal('none') }),
      z.strictObject({
        kind: z.literal('token'),
        token: z.string().min(1).max(4000),
        user: z.string().max(200).default('git'),
      }),
    ])
    .default({ kind: 'none' }),
  visibility: z.enum(importVisibilities).default('private'),
  /** Goes on following it after the import. */
  follows: z.boolean().default(false),
});
export type ImportRequest = z.output<typeof importRequest>;

const time = z.string().nullable();
export const upstreamView = z.object({
  url: z.string(),
  state: z.enum(upstreamStates),
  follows: z.boolean(),
  everyMinutes: z.number(),
  patterns: z.array(z.string()),
  rewrites: z.enum(pullRules),
  deletions: z.enum(pullRules),
  credential: z.enum(['none', 'token', 'key']),
  publicKey: z.string().nullable(),
  hostKeys: z.array(z.string()),
  /** What the pull that runs does now. */
  progress: z.object({ phase: z.string(), percent: z.number().nullable() }).nullable(),
  problem: z.string().nullable(),
  failures: z.number(),
  pulledAt: time,
  nextAt: time,
  refs: z.object({
    total: z.number(),
    left: z.array(
      z.object({ ref: z.string(), state: z.enum(pulledRefStates), message: z.string().nullable() }),
    ),
  }),
  pulls: z.array(
    z.object({
      id: z.number(),
      state: z.enum(pullStates),
      startedAt: z.string(),
      finishedAt: time,
      created: z.number(),
      moved: z.number(),
      deleted: z.number(),
      message: z.string().nullable(),
    }),
  ),
});
export type UpstreamView = z.infer<typeof upstreamView>;

export const importView = z.object({
  owner: z.string(),
  name: z.string(),
  url: z.string(),
  upstream: upstreamView,
});
