// What is in a folder of backups, and whether it is whole. No forge is opened: the folder may be all that is left of one.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { listBackupNames, readManifest } from '../backups/folder.ts';
import { viewOf } from '../backups/find.ts';
import { verifyBackups, type Verified } from '../backups/verify.ts';
import { readConfig } from '../forge/config.ts';
import { Git } from '../git/run.ts';
import { ForgeError } from '../lib/errors.ts';
import { counted, mebibytes } from './count-words.ts';
import type { CommonOptions, VerifyOptions } from './command-options.ts';

const minuteMs = 60_000;

export async function runBackupList(folder: string, { json }: CommonOptions): Promise<number> {
  const names = (await requireBackups(folder)).reverse();
  const listed = await Promise.all(
    names.map(async (name) => {
      try {
        return { ...viewOf(name, await readManifest(folder, name)), unreadable: null };
      } catch (error) {
        if (error instanceof ForgeError) return { name, unreadable: error.message };
        throw error;
      }
    }),
  );
  const lines = listed.map((backup) =>
    'bytes' in backup
      ? `${backup.name}  ${counted(backup.repositories, 'repository', 'repositories')}, ${mebibytes(backup.bytes)}, ${mebibytes(backup.newBytes)} of them new`
      : `${backup.name}  ${backup.unreadable}`,
  );
  print(json, { backups: listed }, lines);
  return listed.every(({ unreadable }) => unreadable === null) ? 0 : 1;
}

export async function runBackupVerify(folder: string, options: VerifyOptions): Promise<number> {
  await requireBackups(folder);
  const { quick = false, mend = false, backup: name } = options;
  const home = await mkdtemp(join(tmpdir(), 'pika-verify-'));
  try {
    const { searchPath, limits, backups } = readConfig(resolve(options.data));
    const git = new Git({ home, searchPath, limits });
    const timeoutMs = backups.packMinutes * minuteMs;
    const verified = await verifyBackups({ folder, name, quick, mend, git, timeoutMs });
    const ok = verified.every(({ problems }) => problems.length === 0);
    print(options.json, { ok, backups: verified }, verified.flatMap(linesOf));
    return ok ? 0 : 1;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** The names of the backups, oldest first; refuses (`not_found`) a folder that has none. */
export async function requireBackups(folder: string): Promise<string[]> {
  const names = await listBackupNames(folder);
  if (names.length > 0) return names;
  throw new ForgeError(
    'not_found',
    `There is no backup in ${folder}; name the folder that pika-git backup wrote.`,
  );
}

function linesOf({ name, problems, repositories, files }: Verified): string[] {
  if (problems.length === 0)
    return [
      `whole    ${name}: ${counted(repositories, 'repository', 'repositories')}, ${counted(files, 'file', 'files')}`,
    ];
  return [`DAMAGED  ${name}`, ...problems.map((problem) => `         ${problem}`)];
}

function print(json: boolean | undefined, value: object, lines: readonly string[]): void {
  process.stdout.write(json === true ? `${JSON.stringify(value)}\n` : `${lines.join('\n')}\n`);
}
