// From outside to inside: everything a request carries goes through zod here.
import type { z } from 'zod';
import { ForgeError } from '../lib/errors.ts';

/** The parsed value, or a refusal (`invalid`) that names the first key that is wrong and what it should be. */
export function parse<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const key = issue?.path.join('.');
  const message = issue?.message ?? 'not understood';
  throw new ForgeError('invalid', key ? `${key}: ${message}.` : `${message}.`);
}
