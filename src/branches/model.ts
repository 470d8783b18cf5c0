import { z } from 'zod';

export const branchStates = ['open', 'merged', 'closed'] as const;
export type BranchState = (typeof branchStates)[number];

export interface Branch {
  id: number;
  repoId: number;
  number: number;
  name: string;
  /** The branch it will land on, without refs/heads/. */
  target: string;
  title: string;
  authorId: number | undefined;
  authorName: string | undefined;
  state: BranchState;
  headOid: string;
  revision: number;
  mergeOid: string | undefined;
  brokenReason: string | undefined;
  createdAt: number;
  updatedAt: number;
  settledAt: number | undefined;
  settledByName: string | undefined;
}

/** One pushed head of a branch, pinned under `pinRef`. */
export interface Revision {
  branchId: number;
  number: number;
  headOid: string;
  /** The merge base with the target at push time; undefined when the histories share nothing. */
  baseOid: string | undefined;
  targetOid: string | undefined;
  pushedById: number | undefined;
  pushedByName: string | undefined;
  pushedAt: number;
  /** When retention gave up its pin: its commits may be gone. */
  unpinnedAt: number | undefined;
}

export const pinRef = (branchNumber: number, revision: number): string =>
  `refs/pika/heads/${branchNumber}/${revision}`;

export const branchView = z.object({
  repo: z.string(),
  number: z.number(),
  name: z.string(),
  target: z.string(),
  title: z.string(),
  author: z.string().nullable(),
  state: z.enum(branchStates),
  head: z.string(),
  revision: z.number(),
  mergeCommit: z.string().nullable(),
  updatedAt: z.string(),
  url: z.string(),
});
export type BranchView = z.infer<typeof branchView>;
