import { z } from 'zod';
import { branchStates, type BranchState } from '../branches/model.ts';

/**
 * Why a branch is in an inbox. `review`: nobody there has looked at it yet. `commits`: it has changed since its reader's
 * review. `mentioned`, `commented`: somebody spoke to its reader. The others are about the reader's own branch.
 */
export const inboxKinds = [
  'review',
  'commits',
  'mentioned',
  'commented',
  'reviewed',
  'ci_failed',
  'evicted',
  'landed',
  'closed',
] as const;
export type InboxKind = (typeof inboxKinds)[number];

export interface InboxReason {
  kind: InboxKind;
  at: number;
  byName: string | undefined;
  /** What there is to say beside the kind: failing lanes, a verdict, a target. */
  detail: string;
  isUnread: boolean;
}

/** A branch with everything about it that needs its reader, the newest first. */
export interface InboxEntry {
  branchId: number;
  repoId: number;
  repo: string;
  number: number;
  title: string;
  state: BranchState;
  at: number;
  isUnread: boolean;
  reasons: InboxReason[];
}

export const inboxEntryView = z.object({
  repo: z.string(),
  number: z.number(),
  title: z.string(),
  state: z.enum(branchStates),
  url: z.string(),
  unread: z.boolean(),
  at: z.string(),
  reasons: z.array(
    z.object({
      kind: z.enum(inboxKinds),
      /** One sentence. */
      text: z.string(),
      by: z.string().nullable(),
      at: z.string(),
      unread: z.boolean(),
    }),
  ),
});
export type InboxEntryView = z.infer<typeof inboxEntryView>;

export const inboxView = z.object({
  entries: z.array(inboxEntryView),
  /** Branches with something that was not read yet, on all pages. */
  unread: z.number(),
  /** The `before` of the next page. */
  next: z.string().nullable(),
});

export const inboxQuery = z.object({
  before: z
    .string()
    .regex(/^\d{1,16}-\d{1,15}$/, 'give the `next` of the page before')
    .optional(),
});

/** Some branches, or everything that is there now. */
export const dismissRequest = z
  .strictObject({
    branches: z
      .array(
        z.strictObject({
          repo: z.string().regex(/^[^/\s]{1,64}\/[^/\s]{1,64}$/, 'a repository is owner/name'),
          number: z.number().int().positive(),
        }),
      )
      .max(500)
      .default([]),
    all: z.boolean().default(false),
  })
  .refine(({ branches, all }) => all !== branches.length > 0, 'name branches, or say all');
export const dismissView = z.object({ dismissed: z.number(), unread: z.number() });
export type DismissView = z.infer<typeof dismissView>;

const wayOfVerdict: Record<string, string> = {
  approve: 'approved it',
  changes: 'asks for changes',
  comment: 'commented',
};

/** One sentence about the reader's reason, for pages and terminals alike. */
export function reasonText({
  kind,
  byName,
  detail,
}: Pick<InboxReason, 'kind' | 'byName' | 'detail'>): string {
  const who = byName ?? 'Somebody';
  switch (kind) {
    case 'review':
      return byName === undefined ? 'Nobody has reviewed it' : `${who} asks for your review`;
    case 'commits':
      return `New commits since your review${byName === undefined ? '' : `, pushed by ${who}`}`;
    case 'mentioned':
      return `${who} mentioned you`;
    case 'commented':
      return `${who} commented`;
    case 'reviewed':
      return `${who} ${wayOfVerdict[detail] ?? 'reviewed it'}`;
    case 'ci_failed':
      return `Your CI failed${detail === '' ? '' : `: ${detail}`}`;
    case 'evicted':
      return `It left the landing queue${detail === '' ? '' : `: ${detail}`}`;
    case 'landed':
      return `Landed on ${detail}${byName === undefined ? '' : ` by ${who}`}`;
    case 'closed':
      return `${who} closed it without landing it`;
  }
}
