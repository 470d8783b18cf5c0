// Asking somebody by name for a review.
import { z } from 'zod';

export const maxRequestsPerBranch = 50;

export interface ReviewRequest {
  accountId: number;
  name: string;
  kind: 'person' | 'agent' | 'system';
  byId: number;
  byName: string;
  at: number;
  /** It was answered with a review. */
  isAnswered: boolean;
}

export const askRequest = z.strictObject({
  names: z.array(z.string().trim().min(1).max(64)).min(1, 'name somebody').max(maxRequestsPerBranch),
});

export const reviewersView = z.object({
  reviewers: z.array(
    z.object({
      name: z.string(),
      kind: z.enum(['person', 'agent', 'system']),
      /** Who asked. */
      by: z.string(),
      at: z.string(),
      /** Whether a review came since. */
      answered: z.boolean(),
    }),
  ),
});
export type ReviewersView = z.infer<typeof reviewersView>;
