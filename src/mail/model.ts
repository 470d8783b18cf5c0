import { z } from 'zod';
import { inboxKinds, type InboxKind } from '../inbox/model.ts';

/** What somebody chose: where to be told, and of what. */
export interface MailChoice {
  accountId: number;
  address: string;
  kinds: InboxKind[];
  /** When the address was asked to confirm itself. */
  askedAt: number;
  confirmedAt: number | undefined;
}

/** One mail; without a branch it is the one that confirms an address. */
export interface Mail {
  id: number;
  accountId: number;
  branchId: number | undefined;
  /** The fencing token of a claim. */
  token: number;
  attempts: number;
}

/** Something of a branch that stands in an inbox and was not told by mail. */
export interface MailReason {
  kind: InboxKind;
  key: string;
  at: number;
  byName: string | undefined;
  detail: string;
}

/** What each kind means to the reader, for the page where one chooses. */
export const kindMeanings: Record<InboxKind, string> = {
  review: 'a branch waits for your review',
  commits: 'a branch that you reviewed has new commits',
  mentioned: 'somebody mentions you',
  commented: 'somebody answers you, or comments on your branch',
  reviewed: 'somebody reviews your branch',
  ci_failed: 'CI fails on your branch',
  evicted: 'your branch leaves the landing queue without landing',
  landed: 'somebody lands your branch',
  closed: 'somebody closes your branch',
};

// Narrower than the RFC, and free of everything that means something to a mail program: one address, ASCII, no name.
const address = z
  .string()
  .trim()
  .max(254)
  .regex(
    /^[A-Za-z0-9._%+=~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/,
    'write one address, as name@example.org',
  );

export const mailRequest = z.strictObject({
  address,
  /** What to be told of; everything without it. */
  kinds: z
    .array(z.enum(inboxKinds))
    .max(inboxKinds.length)
    .default([...inboxKinds]),
});
export type MailRequest = z.infer<typeof mailRequest>;

export const confirmRequest = z.strictObject({ secret: z.string().min(1).max(200) });

export const mailView = z.object({
  /** Whether the forge sends mail at all. */
  available: z.boolean(),
  address: z.string().nullable(),
  confirmed: z.boolean(),
  kinds: z.array(z.enum(inboxKinds)),
});
export type MailView = z.infer<typeof mailView>;
