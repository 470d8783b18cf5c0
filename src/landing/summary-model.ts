// The place of a branch in the landing queue as the status of the branch tells it; queue-model.ts has all of it. The
// words for states are those of queue-model.ts, which cannot be read from here: it reads the models of the gate.
import { z } from 'zod';

export const landingSummary = z.object({
  id: z.number(),
  target: z.string(),
  head: z.string(),
  state: z.string(),
  /** 1 is the next to land; null for what waits for its gate, and for what has ended. */
  position: z.number().nullable(),
  detail: z.string(),
  next: z.string(),
  since: z.string(),
  candidate: z.number().nullable(),
  run: z.number().nullable(),
  testedWith: z.array(z.number()),
  ended: z
    .object({
      cause: z.string(),
      why: z.string(),
      wayOut: z.string(),
      commit: z.string().nullable(),
      /** The lane or the run that ended it. */
      url: z.string().nullable(),
    })
    .nullable(),
});
export type LandingSummary = z.infer<typeof landingSummary>;
