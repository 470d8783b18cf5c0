// What tells this forge from every other one that uses the same cluster, perhaps as the same user and from a data folder
// of the same name. It is in no backup: a forge that was restored beside the one it was taken from must not end its jobs.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config.ts';

const form = /^[0-9a-f]{16}$/;

export const clusterMarkPath = (data: string): string => join(data, 'cluster-mark');

/** Made when it is first asked for. */
export function readClusterMark({ paths }: Pick<Config, 'paths'>): string {
  const path = clusterMarkPath(paths.data);
  const known = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (form.test(known)) return known;
  const mark = randomBytes(8).toString('hex');
  const fresh = `${path}.new`;
  writeFileSync(fresh, mark, { mode: 0o600, flush: true });
  renameSync(fresh, path);
  return mark;
}
