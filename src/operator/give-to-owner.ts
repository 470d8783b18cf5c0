import { lchown, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What root has put into a folder of the forge's user becomes that user's; without it the forge could not read its own data. */
export async function giveToOwner(folder: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(folder);
  if (uid === 0) return;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    await lchown(join(entry.parentPath, entry.name), uid, gid);
  }
}
