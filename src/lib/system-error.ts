// What the system itself refused (a disk that is mounted read-only, a folder of somebody else), told to who operates the
// machine: its own words name the file, and say more than that something broke.
import { ForgeError, errorMessage } from './errors.ts';

/** Undefined when it is no error of the system. For operators alone: its sentence has paths in it. */
export function systemRefusal(error: unknown): ForgeError | undefined {
  if (!(error instanceof Error) || !('syscall' in error)) return undefined;
  return new ForgeError('unavailable', `The system refused it: ${errorMessage(error)}.`, { cause: error });
}
