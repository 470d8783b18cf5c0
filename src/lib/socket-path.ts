// Addresses of Unix sockets are cut by the kernel (108 bytes on Linux, 104 elsewhere), paths of files are not.
import { createHash } from 'node:crypto';
import { openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

const maxLength = 100;
const openFolders = new Map<string, number>();

/**
 * A name of the socket at `path` that is short enough to listen on and to connect to, in this process alone. On Linux
 * it goes through the folder, which stays open, so only who may use the folder reaches it; elsewhere a long path
 * becomes one in the temporary folder.
 */
export function socketPath(path: string): string {
  if (Buffer.byteLength(path) <= maxLength) return path;
  if (process.platform === 'linux') return `/proc/self/fd/${folderOf(path)}/${basename(path)}`;
  const digest = createHash('sha256').update(path).digest('hex').slice(0, 24);
  return join(tmpdir(), `pika-git-${digest}.sock`);
}

function folderOf(path: string): number {
  const folder = dirname(path);
  const known = openFolders.get(folder);
  if (known !== undefined) return known;
  const opened = openSync(folder, 'r');
  openFolders.set(folder, opened);
  return opened;
}

/** Where a forge takes the clients of the system's sshd over; here, because whoever brings them reads no settings. */
export const sshSocketOf = (data: string): string => join(data, 'ssh.sock');
