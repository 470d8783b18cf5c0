// What may be asked of runs, by form and by JSON alike.
import { z } from 'zod';
import type { RerunScope } from './rerun.ts';

const lane = z.string().min(1).max(64).optional();
const flag = z.union([z.boolean(), z.literal('true').transform(() => true)]).optional();

export const rerunRequest = z
  .strictObject({ lane, failed: flag, form_token: z.string().optional() })
  .refine(
    (request) => request.lane === undefined || request.failed !== true,
    'give lane or failed, not both',
  );

export const cancelRequest = z.strictObject({ lane, form_token: z.string().optional() });

export const logRequest = z.object({
  from: z.coerce.number('expected a byte offset').int('expected a byte offset').default(0),
  attempt: z.unknown(),
});

export const scopeOf = (request: z.output<typeof rerunRequest>): RerunScope =>
  request.lane === undefined ? (request.failed === true ? 'failed' : 'all') : { lane: request.lane };
