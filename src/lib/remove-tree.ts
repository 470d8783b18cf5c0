import { chmod, lstat, opendir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Removes a file or a folder with all that is in it. Programs leave folders behind that not even their owner may change (the
 * module cache of Go is one), and only root could remove these as they are. No symbolic link is followed.
 */
export async function removeTree(path: string): Promise<void> {
  const options = { recursive: true, force: true, maxRetries: 3 };
  try {
    await rm(path, options);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'ENOTEMPTY') throw error;
    await openFolders(path);
    await rm(path, options);
  }
}

async function openFolders(path: string): Promise<void> {
  if (!(await lstat(path)).isDirectory()) return;
  await chmod(path, 0o700);
  for await (const entry of await opendir(path))
    if (entry.isDirectory()) await openFolders(join(path, entry.name));
}
