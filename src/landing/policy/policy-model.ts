import { z } from 'zod';
import { mergeMethods } from '../../repos/model.ts';

export const policyRequest = z.object({
  /** The branch that others land on; without it the default one. */
  target: z.string().min(1).max(200).optional(),
});

/** What a target asks of whoever wants to land on it. */
export const policyView = z.object({
  target: z.string(),
  /** The commit that it was read from; null while the target has none. */
  commit: z.string().nullable(),
  /** Where it stands in the repository, whether or not the file is there. */
  path: z.string(),
  isWritten: z.boolean(),
  /** Why the file cannot be read, which closes the gate for everybody. */
  problem: z.string().nullable(),
  gate: z
    .object({
      approvals: z.number(),
      agentsCount: z.boolean(),
      resolvedThreads: z.boolean(),
      upToDate: z.boolean(),
      staleApprovals: z.enum(['keep', 'dismiss']),
      owners: z.array(z.object({ paths: z.array(z.string()), owners: z.array(z.string()) })),
      size: z.object({
        maxFiles: z.number().optional(),
        maxAddedLines: z.number().optional(),
        maxFileBytes: z.number().optional(),
      }),
      secrets: z.object({ refuse: z.boolean(), allowPaths: z.array(z.string()) }),
    })
    .nullable(),
  landing: z
    .object({
      batch: z.number(),
      speculation: z.number(),
      method: z.enum(mergeMethods),
      maxWaitMinutes: z.number(),
    })
    .nullable(),
});
export type PolicyView = z.infer<typeof policyView>;
