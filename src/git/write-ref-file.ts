import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Writes one loose ref (a full name) as git does (gitrepository-layout(5)): its lock file, forced to the disk, becomes
 * the ref. For refs that nobody but the forge writes; many at once cost no git and share their waits for the disk. The
 * object must exist. Throws when somebody holds the lock.
 */
export async function writeRefFile(repo: string, ref: string, oid: string): Promise<void> {
  const file = join(repo, ref);
  const lock = await openLock(`${file}.lock`);
  try {
    await lock.writeFile(`${oid}\n`);
    await lock.sync();
    await lock.close();
    await rename(`${file}.lock`, file);
  } catch (error) {
    await rm(`${file}.lock`, { force: true });
    throw error;
  }
}

// Git takes folders away that packing has emptied, perhaps just now.
async function openLock(path: string): Promise<Awaited<ReturnType<typeof open>>> {
  for (let tries = 3; ; tries -= 1) {
    await mkdir(dirname(path), { recursive: true });
    try {
      return await open(path, 'wx');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === 1) throw error;
    }
  }
}
