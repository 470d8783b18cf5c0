import pino from 'pino';
import { logContext } from './log-context.ts';
import { RotatedFile, type RotatedFileOptions } from './rotated-file.ts';

export type Log = pino.Logger;

const secretPaths = [
  'token',
  'authorization',
  'cookie',
  'password',
  '*.token',
  '*.authorization',
  '*.cookie',
];

/**
 * A logger of JSON lines, on standard error or in a file that is rotated; `level` is a pino level name or `silent`. Every
 * line carries the ids of what it was written for; see log-context.ts.
 */
export function createLog(level: string, file?: RotatedFileOptions): Log {
  return pino(
    {
      level,
      base: null,
      redact: { paths: secretPaths, censor: '[redacted]' },
      mixin: () => ({ ...logContext() }),
    },
    file === undefined ? pino.destination({ dest: 2, sync: true }) : new RotatedFile(file),
  );
}
