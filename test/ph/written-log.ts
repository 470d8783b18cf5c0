import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { logFolder } from '../../src/ci/lanes/launch.ts';
import { logName } from '../../src/ci/logs/log-file.ts';
import type { Forge } from '../../src/forge/open.ts';

/** Puts a log under the one attempt there is; answers the file. */
export function writeLog(forge: Forge, text: string): string {
  const attempt = forge.db.get<{ attemptId: number; token: number }>(
    'SELECT id AS attemptId, token FROM lane_attempts',
  )!;
  const folder = logFolder(forge, attempt);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, logName), text);
  return join(folder, logName);
}
