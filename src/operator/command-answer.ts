import { z } from 'zod';

/** `text` is for people, `json` for machines; `ok: false` means the answer is no (doctor found something). */
export const commandAnswer = z.object({
  ok: z.boolean(),
  text: z.string(),
  json: z.record(z.string(), z.unknown()),
});
export type CommandAnswer = z.infer<typeof commandAnswer>;
