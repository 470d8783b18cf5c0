import { createHash } from 'node:crypto';

/** What proves that a suggestion is the one that was read. */
export const digestOf = (lines: readonly string[]): string =>
  createHash('sha256').update(lines.join('\n')).digest('hex');
