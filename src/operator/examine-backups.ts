// Looks over the folder of backups that the settings name: whether it is there, how old the newest is, what was left in it.
import { existsSync } from 'node:fs';
import { listBackupNames, newestBackup } from '../backups/folder.ts';
import { clearUnfinished, listUnfinished } from '../backups/unfinished.ts';
import type { Forge } from '../forge/open.ts';
import type { Part, Problem } from './findings.ts';

const hour = 60 * 60_000;

/** Nothing when no folder is set: then backups are somebody else's to make. */
export function backupParts(forge: Forge): Part[] {
  const { folder } = forge.config.backups;
  if (folder === undefined) return [];
  return [
    {
      fine: 'the newest backup is young enough and can be read',
      look: () => lookAtBackups(forge, folder),
      mends: { unfinished: () => clearUnfinished(folder) },
    },
  ];
}

async function lookAtBackups(forge: Forge, folder: string): Promise<Problem[]> {
  if (!existsSync(folder)) {
    const what = `the folder of backups ${folder} is not there`;
    return [{ level: 'error', what, advice: 'Make it, and see whether its disk is mounted.' }];
  }
  const problems: Problem[] = [];
  const advice = `pika-git backup ${folder} makes one now.`;
  const newest = await newestBackup(folder);
  const names = await listBackupNames(folder);
  if (newest === undefined)
    problems.push({ level: 'warning', what: `no backup is in ${folder} yet`, advice });
  else {
    const hours = Math.floor((forge.clock.now() - Date.parse(newest.manifest.at)) / hour);
    const what = `the newest backup is ${hours} hours old, and one is to be made every ${forge.config.backups.everyHours}`;
    if (hours > 2 * forge.config.backups.everyHours) problems.push({ level: 'warning', what, advice });
    for (const lost of newest.manifest.problems.slice(0, 10)) {
      problems.push({ level: 'warning', what: `the newest backup could not have all: ${lost}` });
    }
  }
  const unreadable = names.at(-1);
  if (unreadable !== undefined && unreadable !== newest?.name) {
    const what = `the backup ${unreadable} cannot be read`;
    problems.push({ level: 'warning', what, advice: `pika-git backup verify ${folder} says what is wrong.` });
  }
  return [...problems, ...(await lookAtUnfinished(folder))];
}

async function lookAtUnfinished(folder: string): Promise<Problem[]> {
  return (await listUnfinished(folder)).map((path) => ({
    level: 'warning',
    what: `${path} in the folder of backups was never finished`,
    mend: 'unfinished',
  }));
}
