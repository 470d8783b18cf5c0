import pino from 'pino';

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

/** A JSON-lines logger on standard error; `level` is a pino level name or `silent`. */
export function createLog(level: string): Log {
  return pino(
    { level, base: null, redact: { paths: secretPaths, censor: '[redacted]' } },
    pino.destination({ dest: 2, sync: true }),
  );
}
