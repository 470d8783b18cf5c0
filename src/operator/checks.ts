// What must hold before the forge may serve; each refusal says what to do about it.
import { randomUUID } from 'node:crypto';
import { statfsSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { listIdleHooks } from '../transport/probe-hooks.ts';

const minGit = [2, 39] as const;
const mebibyte = 1024 * 1024;

/** Refuses (`unavailable`) an old git, data that cannot be written, a full disk, and hooks that do not do their work. */
export async function checkSurroundings(forge: Forge): Promise<{ git: string; freeBytes: number }> {
  const git = await checkGit(forge);
  const freeBytes = checkDisk(forge);
  await checkWritable(forge);
  const [idle] = await listIdleHooks(forge);
  if (idle !== undefined) {
    throw new ForgeError(
      'unavailable',
      `git cannot run the hook hooks/${idle}, or it was altered, so no push would be checked; restore it from the package, executable and on a disk that lets programs run.`,
    );
  }
  return { git, freeBytes };
}

async function checkGit(forge: Forge): Promise<string> {
  const git = await gitVersion(forge);
  const [major = 0, minor = 0] = git.split('.').map(Number);
  if (major > minGit[0] || (major === minGit[0] && minor >= minGit[1])) return git;
  throw new ForgeError(
    'unavailable',
    `git ${git} is too old; pika-git needs git ${minGit.join('.')} or newer.`,
  );
}

async function gitVersion(forge: Forge): Promise<string> {
  try {
    const text = await forge.git.text(['version']);
    return /\d+\.\d+(?:\.\d+)?/.exec(text)?.[0] ?? text;
  } catch (error) {
    throw new ForgeError('unavailable', 'git was not found on PATH; install git 2.39 or newer.', {
      cause: error,
    });
  }
}

function checkDisk({ config }: Forge): number {
  const disk = statfsSync(config.paths.data);
  const freeBytes = disk.bavail * disk.bsize;
  const wantedBytes = config.limits.minFreeMebibytes * mebibyte;
  if (freeBytes >= wantedBytes) return freeBytes;
  throw new ForgeError(
    'unavailable',
    `The disk of ${config.paths.data} is full: ${Math.floor(freeBytes / mebibyte)} MiB are free; free at least ${config.limits.minFreeMebibytes} MiB.`,
  );
}

/** Writes a file into each folder as the forge will: a disk may let nothing be written, or nothing be kept. */
async function checkWritable({ config }: Forge): Promise<void> {
  const { data, repos, spool, lanes, checkouts, caches, keys, gitHome, lfs } = config.paths;
  await Promise.all([data, repos, spool, lanes, checkouts, caches, keys, gitHome, lfs].map(tryToWrite));
}

async function tryToWrite(folder: string): Promise<void> {
  const path = join(folder, `.probe-${randomUUID()}`);
  try {
    const file = await open(path, 'wx', 0o600);
    await file
      .writeFile('probe')
      .then(() => file.sync())
      .finally(() => file.close());
  } catch (error) {
    throw new ForgeError(
      'unavailable',
      `The folder ${folder} cannot be written; give it to the user of the forge.`,
      { cause: error },
    );
  } finally {
    await rm(path, { force: true }).catch(() => undefined);
  }
}
