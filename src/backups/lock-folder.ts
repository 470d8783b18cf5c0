// One backup at a time writes into a folder, whichever program makes it. The lock is a file that its holder touches
// while it lives; one that nobody touches any more was left behind by a program that was killed.
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ForgeError } from '../lib/errors.ts';

const lockName = 'lock';
const touchMs = 10_000;
const staleMs = 120_000;
/** Of this program. */
const held = new Set<string>();

/** Runs `body` while nobody else writes into the folder. Refuses (`conflict`) when somebody does. */
export async function withFolderLock<Result>(folder: string, body: () => Promise<Result>): Promise<Result> {
  const path = join(folder, lockName);
  await takeLock(path);
  held.add(path);
  const timer = setInterval(() => void touch(path), touchMs);
  timer.unref();
  try {
    return await body();
  } finally {
    clearInterval(timer);
    held.delete(path);
    await rm(path, { force: true });
  }
}

/** Whether somebody writes into the folder just now. */
export async function isFolderLocked(folder: string): Promise<boolean> {
  const path = join(folder, lockName);
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  return isThere && !(await isLeftBehind(path));
}

async function takeLock(path: string): Promise<void> {
  for (let tries = 2; tries > 0; tries -= 1) {
    try {
      await writeFile(path, `${hostname()} ${process.pid}\n`, { flag: 'wx', mode: 0o600 });
      return;
    } catch (error) {
      if (!isTaken(error)) throw error;
    }
    if (!(await isLeftBehind(path))) break;
    await rm(path, { force: true });
  }
  const sentence = 'Another backup is being written into this folder; wait until it has ended.';
  throw new ForgeError('conflict', sentence);
}

async function isLeftBehind(path: string): Promise<boolean> {
  try {
    const [host = '', pid = ''] = (await readFile(path, 'utf8')).trim().split(' ');
    if (host === hostname() && pid !== '') {
      // A program that was started anew in a container has the number that it had before.
      if (Number(pid) === process.pid) return !held.has(path);
      if (!isAlive(Number(pid))) return true;
    }
    // Either way: the clock may have been set back since.
    return Math.abs(Date.now() - (await stat(path)).mtimeMs) > staleMs;
  } catch {
    // It has just been given back.
    return true;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function touch(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now).catch(() => undefined);
}

const isTaken = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EEXIST';
