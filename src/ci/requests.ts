// What may be asked of runs, by form and by JSON alike.
import { z } from 'zod';
import type { RerunScope } from './recovery/rerun.ts';

// The key of a lane of a matrix holds its values beside its id.
const laneKey = z.string().min(1).max(200);
const lane = laneKey.optional();
const flag = z.union([z.boolean(), z.literal('true').transform(() => true)]).optional();
/** Why somebody does it, on one line; it stands on the lane and in the audit log. */
const reason = z
  .string()
  .max(500, 'a reason has at most 500 characters')
  .transform((text) => text.replaceAll(/\s+/g, ' ').trim())
  .default('');
const form_token = z.string().optional();

export const rerunRequest = z
  .strictObject({ lane, failed: flag, reason, form_token })
  .refine(
    (request) => request.lane === undefined || request.failed !== true,
    'give lane or failed, not both',
  );

export const cancelRequest = z.strictObject({ lane, force: flag, reason, form_token });

/** What is done to one lane, or to a run as a whole. */
export const laneOrderRequest = z.strictObject({ lane: laneKey, reason, form_token });
/** A form of a page names the lane it stands on, which a verb of the run does not need. */
export const runOrderRequest = z.strictObject({ lane, reason, form_token });

/** What is done to CI as a whole. */
export const ciOrderRequest = z.strictObject({ reason, form_token });
export const clearTargetRequest = z.strictObject({
  target: z.string('expected the name of a target').min(1).max(64),
  reason,
  form_token,
});

export const logRequest = z.object({
  from: z.coerce.number('expected a byte offset').int('expected a byte offset').default(0),
});

export const scopeOf = (request: z.output<typeof rerunRequest>): RerunScope =>
  request.lane === undefined ? (request.failed === true ? 'failed' : 'all') : { lane: request.lane };
