// The shape in which every refusal of the API leaves the forge.
import { z } from 'zod';
import { errorCodes } from '../lib/errors.ts';

export const errorView = z.object({
  error: z.object({
    code: z.enum(errorCodes),
    /** One sentence: what was wrong, and the way out. */
    message: z.string(),
    details: z.unknown().optional(),
    /** Of an `internal` one: by which the operator finds it in the log. */
    requestId: z.string().optional(),
  }),
});
