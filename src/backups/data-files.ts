// The files of a data folder that a backup takes as they are. What is not named here is taken, so that a part of the forge
// that comes later is in the backups from its first day.
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { clusterMarkPath } from '../forge/cluster-mark.ts';
import type { Paths } from '../forge/config.ts';
import { isMissing } from './folder.ts';

export interface DataFile {
  /** From the data folder on. */
  path: string;
  bytes: number;
  mtimeMs: number;
}

export interface Choice {
  logs: boolean;
  artifacts: boolean;
}

/** The database is copied by SQLite, repositories are packed, the spool is read with the database; the rest is made anew. */
function untaken(paths: Paths): Set<string> {
  const { database, repos, spool, checkouts, caches, gitHome, backups } = paths;
  const wholly = [database, `${database}-wal`, `${database}-shm`, repos, spool];
  const remade = [
    checkouts,
    caches,
    gitHome,
    backups,
    clusterMarkPath(paths.data),
    join(paths.lfs, 'incoming'),
    join(paths.lanes, 'probe'),
  ];
  return new Set([...wholly, ...remade]);
}

/** What was being written, or looked whether it can be. */
const passing = /^\.probe-|\.(?:lock|tmp|new)$/;

export async function* listDataFiles(paths: Paths, choice: Choice): AsyncGenerator<DataFile> {
  const left = untaken(paths);
  for (const { name } of await entriesOf(paths.data)) {
    // The operator may have put what stands at the top elsewhere, with a link to it; no other link is followed.
    const stats = await statOf(join(paths.data, name));
    if (left.has(join(paths.data, name)) || passing.test(name)) continue;
    if (stats?.isFile() === true) yield { path: name, bytes: stats.size, mtimeMs: stats.mtimeMs };
    else if (stats?.isDirectory() === true) yield* listBelow(paths, name, { left, choice });
  }
  for (const { name } of await entriesOf(paths.repos)) {
    const aside = `${basename(paths.repos)}/${name}/pika-aside`;
    if (/^\d+\.git$/.test(name)) yield* listBelow(paths, aside, { left, choice });
  }
}

async function* listBelow(
  paths: Paths,
  folder: string,
  how: { left: ReadonlySet<string>; choice: Choice },
): AsyncGenerator<DataFile> {
  for (const entry of await entriesOf(join(paths.data, folder))) {
    const path = `${folder}/${entry.name}`;
    if (how.left.has(join(paths.data, path)) || !isChosen(paths, path, how.choice)) continue;
    if (entry.isDirectory()) yield* listBelow(paths, path, how);
    else if (entry.isFile() && !(passing.test(entry.name) && !path.startsWith(`${basename(paths.lanes)}/`))) {
      const stats = await statOf(join(paths.data, path));
      if (stats !== undefined) yield { path, bytes: stats.size, mtimeMs: stats.mtimeMs };
    }
  }
}

/** `lanes/<attempt>/<token>/artifacts/…` is what a lane kept for people, all else there is its log. */
function isChosen(paths: Paths, path: string, { logs, artifacts }: Choice): boolean {
  const [top, , , part] = path.split('/');
  if (top !== basename(paths.lanes) || part === undefined) return true;
  return part === 'artifacts' ? artifacts : logs;
}

const entriesOf = (folder: string): Promise<Dirent[]> =>
  readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });

const statOf = (path: string) =>
  stat(path).catch((error: unknown) => {
    // Removed, or a link to nowhere.
    if (isMissing(error)) return undefined;
    throw error;
  });
