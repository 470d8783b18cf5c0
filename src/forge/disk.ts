// How much room there is where the forge writes. What begins new work asks before it begins, so that the rest of the disk
// stays for what must be written to the end: the database, refs, logs.
import { statfsSync } from 'node:fs';
import { ForgeError } from '../lib/errors.ts';
import type { Config } from './config.ts';

const mebibyte = 1024 * 1024;
/** A disk can have room for bytes and none for files. */
const minFreeFiles = 1000;

export interface DiskRoom {
  /** The folder, of those that the forge writes to, with the least room. */
  folder: string;
  freeBytes: number;
  totalBytes: number;
  /** With less, nothing new is begun. */
  minFreeBytes: number;
  /** Undefined where the file system does not count them. */
  freeFiles: number | undefined;
  isLow: boolean;
}

/** The room of the fullest disk that the forge writes to, as it is now. */
export function diskRoom({ config }: { config: Config }): DiskRoom {
  const { data, repos, lfs, lanes, checkouts } = config.paths;
  const minFreeBytes = config.limits.minFreeMebibytes * mebibyte;
  const rooms = [data, repos, lfs, lanes, checkouts].map((folder) => roomOf(folder, minFreeBytes));
  return rooms.reduce((least, room) => (isWorse(room, least) ? room : least));
}

/** Refuses (`unavailable`) to begin what takes `bytes` of room when there would not be enough left afterwards. */
export function requireRoom(forge: { config: Config }, bytes = 0): void {
  const room = diskRoom(forge);
  if (!room.isLow && room.freeBytes - bytes >= room.minFreeBytes) return;
  throw new ForgeError('unavailable', noRoomSentence(room, bytes));
}

/** For people who may not know the machine: no path of it. */
export function noRoomSentence({ freeBytes, minFreeBytes, freeFiles }: DiskRoom, bytes = 0): string {
  const wayOut = 'Its operator has to make room; then try again.';
  if (freeFiles !== undefined && freeFiles < minFreeFiles && freeBytes >= minFreeBytes) {
    return `The disk of the forge is full: it has no room for more files. ${wayOut}`;
  }
  const wanted = bytes > 0 && freeBytes >= minFreeBytes ? ` for ${bytes} bytes` : '';
  const left = `${Math.floor(freeBytes / mebibyte)} MiB are free, and ${Math.floor(minFreeBytes / mebibyte)} are kept for what is under way`;
  return `The disk of the forge is full: it has no room${wanted} (${left}). ${wayOut}`;
}

function roomOf(folder: string, minFreeBytes: number): DiskRoom {
  const disk = statfsSync(folder);
  const freeBytes = disk.bavail * disk.bsize;
  const freeFiles = disk.files === 0 ? undefined : disk.ffree;
  const isLow = freeBytes < minFreeBytes || (freeFiles !== undefined && freeFiles < minFreeFiles);
  return { folder, freeBytes, totalBytes: disk.blocks * disk.bsize, minFreeBytes, freeFiles, isLow };
}

const isWorse = (room: DiskRoom, other: DiskRoom): boolean =>
  room.isLow === other.isLow ? room.freeBytes < other.freeBytes : room.isLow;
