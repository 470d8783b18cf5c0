// What must hold before the forge may serve; each refusal says what to do about it.
import { accessSync, constants, statfsSync } from 'node:fs';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';

const minGit = [2, 39] as const;
const minFreeBytes = 64 * 1024 * 1024;
const hooksFolder = new URL('../../hooks/', import.meta.url).pathname;

/** Refuses (`unavailable`) an old git, hooks that cannot run, and a full disk. */
export async function checkSurroundings(forge: Forge): Promise<{ git: string; freeBytes: number }> {
  const git = await gitVersion(forge);
  const [major = 0, minor = 0] = git.split('.').map(Number);
  if (major < minGit[0] || (major === minGit[0] && minor < minGit[1])) {
    throw new ForgeError(
      'unavailable',
      `git ${git} is too old; pika-git needs git ${minGit.join('.')} or newer.`,
    );
  }
  for (const hook of ['pre-receive', 'post-receive']) {
    try {
      accessSync(`${hooksFolder}${hook}`, constants.X_OK);
    } catch (error) {
      throw new ForgeError(
        'unavailable',
        `The hook hooks/${hook} is missing or not executable; restore it from the package.`,
        {
          cause: error,
        },
      );
    }
  }
  const disk = statfsSync(forge.config.paths.data);
  const freeBytes = disk.bavail * disk.bsize;
  if (freeBytes < minFreeBytes) {
    throw new ForgeError(
      'unavailable',
      `The disk of ${forge.config.paths.data} is full; free at least 64 MiB.`,
    );
  }
  return { git, freeBytes };
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
