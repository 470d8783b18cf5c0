// Takes the oldest backups away, and then what no other one needs. Only under the lock of the folder.
import { readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ForgeError } from '../lib/errors.ts';
import {
  backupFolder,
  backupsFolder,
  draftPrefix,
  filesFolder,
  listBackupNames,
  packStore,
  readManifest,
  reposFolder,
} from './folder.ts';
import { hasWholeLists, readFiles } from './list-files.ts';

/** Leaves the `keep` newest; answers the names of those that went. */
export async function pruneBackups(folder: string, keep: number | undefined): Promise<string[]> {
  const names = await listBackupNames(folder);
  const old = keep === undefined ? [] : names.slice(0, Math.max(0, names.length - keep));
  for (const name of old) {
    // From the moment it has another name it is none any more.
    const gone = join(backupsFolder(folder), `${draftPrefix}${name}`);
    await rename(backupFolder(folder, name), gone);
    await rm(gone, { recursive: true, force: true });
  }
  await removeUnneeded(folder);
  return old;
}

/** Nothing else is removed, whatever somebody put beside it. */
const [checksumStart, checksum, skeleton] = [/^[0-9a-f]{2}$/, /^[0-9a-f]{64}$/, /^\d+\.git$/];

interface Needed {
  /** Checksums. */
  files: Set<string>;
  /** Repository → names of packs. */
  packs: Map<number, Set<string>>;
}

async function removeUnneeded(folder: string): Promise<void> {
  const needed = await listNeeded(folder);
  if (needed === undefined) return;
  for (const part of (await readdir(filesFolder(folder))).filter((name) => checksumStart.test(name))) {
    for (const name of await readdir(join(filesFolder(folder), part))) {
      if (checksum.test(name) && !needed.files.has(name))
        await rm(join(filesFolder(folder), part, name), { force: true });
    }
  }
  for (const repo of (await readdir(reposFolder(folder))).filter((name) => skeleton.test(name))) {
    const id = Number.parseInt(repo, 10);
    const packs = needed.packs.get(id);
    if (packs === undefined) await rm(dirname(packStore(folder, id)), { recursive: true, force: true });
    else await removePacks(join(packStore(folder, id), 'pack'), packs);
  }
}

async function removePacks(store: string, needed: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(store).catch(() => [])) {
    const [pack = ''] = name.split('.');
    if (!needed.has(pack)) await rm(join(store, name), { force: true });
  }
}

/** Undefined when one of the backups cannot be read: what it needs is not known, so nothing is unneeded. */
async function listNeeded(folder: string): Promise<Needed | undefined> {
  const needed: Needed = { files: new Set(), packs: new Map() };
  try {
    for (const name of await listBackupNames(folder)) {
      const manifest = await readManifest(folder, name);
      if (!(await hasWholeLists(folder, name, manifest))) return undefined;
      for (const { id, packs } of manifest.repos) {
        const known = needed.packs.get(id) ?? new Set<string>();
        for (const pack of packs) known.add(pack.name);
        needed.packs.set(id, known);
      }
      for await (const { sha256 } of readFiles(folder, name)) needed.files.add(sha256);
    }
    return needed;
  } catch (error) {
    if (error instanceof ForgeError) return undefined;
    throw error;
  }
}
