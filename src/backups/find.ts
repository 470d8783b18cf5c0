// What a folder of backups has to say, for pages, the API and whoever looks whether the forge is well.
import { listBackupNames, readManifest } from './folder.ts';
import { ForgeError } from '../lib/errors.ts';
import type { BackupView, Manifest } from './model.ts';

export function viewOf(name: string, manifest: Manifest): BackupView {
  const { at, endedAt, repos, files, database, newBytes, leftOut, problems } = manifest;
  const packs = repos.flatMap((repo) => repo.packs);
  const packBytes = packs.reduce((sum, { pack, index }) => sum + pack.bytes + index.bytes, 0);
  return {
    name,
    at,
    seconds: Math.round((Date.parse(endedAt) - Date.parse(at)) / 1000),
    repositories: repos.length,
    files: files.count,
    bytes: database.bytes + files.contentBytes + packBytes,
    newBytes,
    leftOut,
    problems,
  };
}

/** The newest first; one that cannot be read is left out, and verifying says so. */
export async function listBackups(folder: string, limit: number): Promise<BackupView[]> {
  const names = (await listBackupNames(folder)).reverse().slice(0, limit);
  const views: BackupView[] = [];
  for (const name of names) {
    try {
      views.push(viewOf(name, await readManifest(folder, name)));
    } catch (error) {
      if (!(error instanceof ForgeError)) throw error;
    }
  }
  return views;
}
