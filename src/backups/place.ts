// Whether backups may lie in a folder, and whether there is room for them.
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { ForgeError } from '../lib/errors.ts';

const mebibyte = 1024 * 1024;

/** Refuses (`invalid`) a folder that would be lost together with the data, or that would be a part of itself. */
export function checkPlace(data: string, folder: string): void {
  if (!isAbsolute(folder)) throw new ForgeError('invalid', 'Name the folder of backups by its whole path.');
  const [own, other] = [realOf(data), realOf(folder)];
  const isApart = !isWithin(own, other) && !isWithin(other, own);
  if (isApart && !linksOf(own).some((link) => isWithin(link, other))) return;
  throw new ForgeError(
    'invalid',
    `A backup within ${data} would be lost together with it; choose a folder elsewhere, best on another disk.`,
  );
}

/** Where what stands at the top of the data lies, when it was put elsewhere. */
const linksOf = (data: string): string[] =>
  (existsSync(data) ? readdirSync(data, { withFileTypes: true }) : [])
    .filter((entry) => entry.isSymbolicLink())
    .map(({ name }) => realOf(join(data, name)));

/** Of a path that need not exist yet: what it will be when the links on its way are followed. */
function realOf(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const above = dirname(path);
  return above === path ? path : join(realOf(above), relative(above, path));
}

function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

/** Refuses (`unavailable`) when the disk has no room for so many bytes and a little more. */
export async function requireRoom(folder: string, bytes: number, spareMebibytes: number): Promise<void> {
  const disk = await statfs(folder);
  const free = disk.bavail * disk.bsize;
  if (free >= bytes + spareMebibytes * mebibyte) return;
  const needed = Math.ceil(bytes / mebibyte) + spareMebibytes;
  throw new ForgeError(
    'unavailable',
    `The disk of ${folder} has ${Math.floor(free / mebibyte)} MiB left and about ${needed} MiB are needed; make room there, or keep fewer backups.`,
  );
}
