import { z } from 'zod';

export const verdicts = ['approve', 'changes', 'comment'] as const;
export type VerdictKind = (typeof verdicts)[number];

/** The newest word of one account on a branch that counts: an approval, or that changes are asked for. */
export interface Verdict {
  accountId: number;
  name: string;
  kind: 'person' | 'agent';
  verdict: 'approve' | 'changes';
  /** The head it was given at. */
  headOid: string;
  revision: number;
  /** Given at the branch's present head, or at a head with the same patch. */
  isCurrent: boolean;
  at: number;
}

export interface ReviewState {
  approvals: Verdict[];
  changesAsked: Verdict[];
  /** Threads about files and lines; talk about the whole branch needs no resolution. */
  unresolvedThreads: number;
  threads: number;
}

export const threadKinds = ['branch', 'file', 'line'] as const;
export type ThreadKind = (typeof threadKinds)[number];

export const sides = ['old', 'new'] as const;
export type Side = (typeof sides)[number];

const fullOid = z.string().regex(/^[0-9a-f]{40}$/, 'must be a full object id of 40 hexadecimal digits');
const lineNumber = z.coerce
  .number('a line is a number')
  .int('a line is a whole number')
  .min(1, 'lines are counted from 1')
  .max(10_000_000, 'no file has so many lines');

/** What a thread is about: the branch when there is no path, the file when there is no line, else the lines. */
export const threadPlace = z.strictObject({
  path: z.string().min(1).max(4096).optional(),
  side: z.enum(sides).default('new'),
  line: lineNumber.optional(),
  /** The first line of a range that ends at `line`. */
  firstLine: lineNumber.optional(),
});
export type ThreadPlace = z.infer<typeof threadPlace>;

export const commentBody = z.string().trim().min(1, 'write something first');
export const newThreadRequest = threadPlace.extend({
  body: commentBody,
  /** The head that was read; a comment about lines is refused when it was never a head of this branch. */
  head: fullOid.optional(),
  /** Kept for yourself until you submit a review. */
  draft: z.boolean().default(false),
});
export type NewThreadRequest = z.infer<typeof newThreadRequest>;

export const replyRequest = z.strictObject({ body: commentBody, draft: z.boolean().default(false) });
export const editRequest = z.strictObject({ body: commentBody });
export const reviewRequest = z.strictObject({
  verdict: z.enum(verdicts),
  body: z.string().trim().default(''),
  /** The head that was read; the verdict is refused when the branch has moved on. */
  head: fullOid,
});
export type ReviewRequest = z.infer<typeof reviewRequest>;
