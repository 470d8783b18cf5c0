// Backups by the clock: one into the folder of the settings whenever the newest there is old enough, or somebody asks.
import { existsSync } from 'node:fs';
import { recordAudit } from '../accounts/audit.ts';
import type { Caller } from '../accounts/model.ts';
import { systemCaller } from '../accounts/system.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { Loop } from '../lib/loop.ts';
import { newestBackup } from './folder.ts';
import { backupsNow } from './find.ts';
import type { BackupsView } from './model.ts';
import { requireNone, runBackup, runningBackup, stopBackup } from './run-backup.ts';

const minute = 60_000;
const hour = 60 * minute;
const noFolder =
  'No folder for backups is set: name one as folder under [backups] in pika.toml, best on another disk.';

export interface BackupRoom {
  loop: Loop;
  start(): void;
  stop(): Promise<void>;
  /** Has one made at once; refuses (`conflict`) without a folder, and while one is made. */
  want(caller: Caller): void;
  view(): Promise<BackupsView>;
}

export function openBackups(forge: Forge, { program }: { program: string }): BackupRoom {
  const { folder, everyHours, retryMinutes } = forge.config.backups;
  let isWanted = false;
  /** UTC milliseconds; read from the folder once, and then known. */
  let newestAt: number | undefined;

  const nextAt = async (into: string): Promise<number> => {
    newestAt ??= Date.parse((await newestBackup(into))?.manifest.at ?? new Date(0).toISOString());
    const now = forge.clock.now();
    // One of a time that is still to come was made before the clock was set back: it says nothing of when the next is due.
    return newestAt > now ? now : newestAt + everyHours * hour;
  };
  const runOnce = async (): Promise<void> => {
    if (folder === undefined) return;
    requireFolder(folder);
    const isDue = forge.clock.now() >= (await nextAt(folder));
    // An operator's own runs: if it goes elsewhere, this one follows at the next turn of the clock.
    if (!(isWanted || isDue) || runningBackup(forge) !== undefined) return;
    if (!isWanted) audit(forge, systemCaller(forge), folder);
    isWanted = false;
    const { logs, artifacts, keep } = forge.config.backups;
    const { manifest } = await runBackup(forge, { folder, logs, artifacts, keep, program });
    newestAt = Date.parse(manifest.at);
    for (const problem of manifest.problems) forge.log.error({ problem }, 'a backup could not have all');
  };
  const loop = new Loop({
    name: 'backups',
    pollMs: retryMinutes * minute,
    log: forge.log,
    now: () => forge.clock.now(),
    runOnce,
    disabled: folder === undefined ? noFolder : undefined,
  });
  return {
    loop,
    start: () => loop.start(),
    stop: () => {
      stopBackup(forge);
      return loop.stop();
    },
    want: (caller) => {
      if (folder === undefined) throw new ForgeError('conflict', noFolder);
      requireNone(forge);
      audit(forge, caller, folder);
      isWanted = true;
      loop.wake();
    },
    view: async () =>
      backupsNow(forge, {
        isWanted,
        nextAt: folder === undefined || !existsSync(folder) ? undefined : await nextAt(folder),
      }),
  };
}

function audit(forge: Forge, caller: Caller, folder: string): void {
  recordAudit(forge, caller, { action: 'forge.backup', subject: 'this forge', detail: { folder } });
}

/** A disk that is not mounted must not make the backups grow on the disk of the forge. */
function requireFolder(folder: string): void {
  if (existsSync(folder)) return;
  const sentence = `The folder of backups ${folder} is not there. Make it, and see whether its disk is mounted.`;
  throw new ForgeError('unavailable', sentence);
}
