// What other systems and the lanes say of a commit.
import { z } from 'zod';
import { attemptStates, runStates } from '../model.ts';

/** The states of lanes that another system may name; those words of other forges are understood as well. */
export const statusStates = ['queued', 'running', 'success', 'failed', 'cancelled', 'skipped'] as const;
export type StatusState = (typeof statusStates)[number];
const otherWords: Record<string, StatusState> = { pending: 'running', failure: 'failed', error: 'failed' };

/** What another system said of a commit last, in one context. */
export interface CommitStatus {
  context: string;
  state: StatusState;
  description: string;
  url: string | undefined;
  createdAt: number;
  updatedAt: number;
  updatedByName: string | undefined;
}

/** The contexts of own lanes begin so, and nobody else's. */
export const laneContext = 'lane/';

const statusUrl = z.url({
  protocol: /^https?$/,
  error: 'expected an address that begins with http:// or https://',
});
export const statusRequest = z.strictObject({
  context: z
    .string()
    .regex(/^[^\p{C}\p{Zl}\p{Zp}]{1,100}$/u, 'expected 1 to 100 characters on one line')
    .refine((context) => context.trim() === context, 'expected no space at its ends')
    .refine(
      (context) => !context.startsWith(laneContext),
      'contexts that start with lane/ belong to the forge',
    ),
  state: z.preprocess(
    (word) => (typeof word === 'string' ? (otherWords[word] ?? word) : word),
    z.enum(statusStates, `expected one of ${statusStates.join(', ')}`),
  ),
  description: z.string().max(500, 'expected at most 500 characters').default(''),
  url: statusUrl.max(2000, 'expected at most 2000 characters').nullish(),
});
export type StatusRequest = z.infer<typeof statusRequest>;

export const statusView = z.object({
  context: z.string(),
  state: z.enum(attemptStates),
  description: z.string(),
  url: z.string().nullable(),
  source: z.enum(['lane', 'external']),
  updatedAt: z.string(),
  updatedBy: z.string().nullable(),
});
export type StatusView = z.infer<typeof statusView>;

/** `state` is the worst of all: failed before running before queued before cancelled before success. */
export const commitStatusesView = z.object({
  commit: z.string(),
  state: z.enum([...runStates, 'none']),
  statuses: z.array(statusView),
});
export type CommitStatusesView = z.infer<typeof commitStatusesView>;
