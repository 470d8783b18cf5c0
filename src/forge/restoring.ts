// A data folder that a restore has not filled to its end looks like a forge and is none; it bears a mark until then.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ForgeError } from '../lib/errors.ts';

export const restoringMark = (data: string): string => join(data, 'restoring');

/** Refuses (`unavailable`) a data folder that was only half restored. */
export function refuseHalfRestored(data: string): void {
  if (!existsSync(restoringMark(data))) return;
  throw new ForgeError(
    'unavailable',
    `A restore into ${data} was cut short. Empty the folder and restore the backup again.`,
  );
}
