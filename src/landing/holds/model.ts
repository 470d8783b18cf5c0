import { z } from 'zod';

export const maxReasonLength = 500;
export const maxHoldHours = 90 * 24;

/** `hours`: it expires after so long; left out, it stays until it is lifted. */
export const holdRequest = z.strictObject({
  reason: z
    .string('say why')
    .trim()
    .min(1, 'say why, so that others know what they wait for')
    .max(maxReasonLength, `a reason has at most ${maxReasonLength} characters`)
    .refine((reason) => !/\p{Cc}/u.test(reason), 'a reason stands on one line'),
  hours: z
    .number()
    .positive('a hold lasts longer than no time')
    .max(
      maxHoldHours,
      `a hold lasts at most ${maxHoldHours} hours; without an end it stays until it is lifted`,
    )
    .optional(),
});
export type HoldRequest = z.infer<typeof holdRequest>;

export const holdView = z.object({
  id: z.number(),
  author: z.string(),
  reason: z.string(),
  createdAt: z.string(),
  expiresAt: z.string().nullable(),
});
export type HoldView = z.infer<typeof holdView>;
export const holdsView = z.object({ draft: z.boolean(), holds: z.array(holdView) });
export type HoldsView = z.infer<typeof holdsView>;

export const draftRequest = z.strictObject({ draft: z.boolean('expected true or false') });
