// Tells that something failed because no byte more can be written, by whoever it was told: the system, SQLite, or git.
import { ForgeError } from './errors.ts';

const codes = new Set(['ENOSPC', 'EDQUOT', 'SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE']);
const inWords = /No space left on device|Disk quota exceeded|database or disk is full/;
/** Errors that are the cause of errors, and so on. */
const maxDepth = 5;

/** Whether it, or what caused it, is a disk that is full. */
export function isDiskFull(error: unknown): boolean {
  let cause = error;
  for (let depth = 0; cause instanceof Error && depth < maxDepth; depth += 1) {
    const { code, stderr } = cause as { code?: unknown; stderr?: unknown };
    if (typeof code === 'string' && codes.has(code)) return true;
    if (typeof stderr === 'string' && inWords.test(stderr)) return true;
    cause = cause.cause;
  }
  return false;
}

/** What is said of it to people. */
export const diskFullError = (cause: unknown): ForgeError =>
  new ForgeError(
    'unavailable',
    'The disk of the forge is full, so nothing was changed. Its operator has to make room; then try again.',
    { cause },
  );
