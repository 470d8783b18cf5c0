// What a folder of backups has to say, for pages, the API and whoever looks whether the forge is well.
import { readAudit } from '../accounts/audit-log.ts';
import { listAccounts } from '../accounts/find.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { backupFolder, listBackupNames, readManifest } from './folder.ts';
import type { BackupView, BackupsView, Manifest } from './model.ts';
import { failedBackup, runningBackup } from './run-backup.ts';

const day = 24 * 60 * 60_000;
/** So long a forge may be without any backup before somebody should see to it. */
const patienceDays = 7;

export function viewOf(name: string, manifest: Manifest): BackupView {
  const { at, endedAt, repos, files, refs, database, newBytes, leftOut, problems } = manifest;
  const packs = repos.flatMap((repo) => repo.packs);
  const packBytes = packs.reduce((sum, { pack, index }) => sum + pack.bytes + index.bytes, 0);
  return {
    name,
    at,
    seconds: (Date.parse(endedAt) - Date.parse(at)) / 1000,
    repositories: repos.length,
    files: files.count,
    bytes: database.bytes + refs.bytes + files.bytes + files.contentBytes + packBytes,
    newBytes,
    leftOut,
    problems,
  };
}

/** By place: a backup is never written again, and to read what one of 10,000 repositories says takes a fifth of a second. */
const viewed = new Map<string, BackupView>();

async function viewOnce(folder: string, name: string): Promise<BackupView> {
  const place = backupFolder(folder, name);
  const view = viewed.get(place) ?? viewOf(name, await readManifest(folder, name));
  viewed.set(place, view);
  return view;
}

/** The newest first; one that cannot be read is left out, and verifying says so. */
async function listBackups(folder: string, limit: number): Promise<BackupView[]> {
  const names = (await listBackupNames(folder)).reverse().slice(0, limit);
  const views: BackupView[] = [];
  const places = new Set(names.map((name) => backupFolder(folder, name)));
  for (const place of viewed.keys()) if (!places.has(place)) viewed.delete(place);
  for (const name of names) {
    try {
      views.push(await viewOnce(folder, name));
    } catch (error) {
      if (!(error instanceof ForgeError)) throw error;
    }
  }
  return views;
}

export async function backupsNow(
  forge: Forge,
  now: { isWanted: boolean; nextAt: number | undefined },
): Promise<BackupsView> {
  const { folder, everyHours, keep } = forge.config.backups;
  const asked = now.isWanted ? { startedAt: forge.clock.now(), doing: 'begins' } : undefined;
  const running = runningBackup(forge) ?? asked;
  const failure = failedBackup(forge);
  return {
    folder: folder ?? null,
    everyHours,
    keep,
    running: running === undefined ? null : { startedAt: iso(running.startedAt), doing: running.doing },
    nextAt: now.nextAt === undefined ? null : iso(Math.max(now.nextAt, forge.clock.now())),
    failure: failure === undefined ? null : { at: iso(failure.at), why: failure.why },
    backups: folder === undefined ? [] : await listBackups(folder, forge.config.limits.maxRowsPerPage),
  };
}

const iso = (at: number): string => new Date(at).toISOString();

/** What somebody should see to: nobody has made a backup for long. One that fails is told by its loop. */
export function backupTrouble(forge: Forge): { what: string; todo: string } | undefined {
  if (forge.config.backups.folder !== undefined) return undefined;
  const now = forge.clock.now();
  const oldest = Math.min(...listAccounts(forge).map(({ createdAt }) => createdAt));
  if (!(now - oldest > patienceDays * day)) return undefined;
  const since = new Date(now - patienceDays * day).toISOString();
  const { entries } = readAudit(forge, { action: 'forge.backup', since });
  if (entries.length > 0) return undefined;
  return {
    what: `Nobody has made a backup for ${patienceDays} days.`,
    todo: 'Name a folder on another disk under [backups] in pika.toml, or run pika-git backup FOLDER by the clock.',
  };
}
