// Looks whether a backup could be restored: every byte against its checksum, the database by SQLite, every pack and what the
// refs reach by git. It needs no forge, so it also works where there is only the folder.
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Db } from '../db/open.ts';
import { runLong } from '../git/long-run.ts';
import { GitError, type Git } from '../git/run.ts';
import { errorMessage } from '../lib/errors.ts';
import { backupFolder, listBackupNames, packStore, readManifest, storedFilePath } from './folder.ts';
import { databaseName, hasWholeLists, readFiles, readRefs } from './list-files.ts';
import { withFolderLock } from './lock-folder.ts';
import type { Manifest, StoredRepo } from './model.ts';
import { sumOfFile } from './store-file.ts';

export interface VerifyOrder {
  folder: string;
  /** All of them when it is left out. */
  name?: string | undefined;
  /** Reads everything, and does not ask git what it is. */
  quick: boolean;
  /** Takes away what is damaged, so that the next backup brings it again. */
  mend: boolean;
  git: Git;
  timeoutMs: number;
}

export interface Verified {
  name: string;
  at: string | undefined;
  /** What is wrong with it; empty when it is whole. */
  problems: string[];
  files: number;
  repositories: number;
}

interface Round extends VerifyOrder {
  /** Path → whether it was what it should be: what several backups need is read once. */
  seen: Map<string, boolean>;
}

/** The newest first. Refuses (`conflict`) to mend while a backup is written, which may count on what is taken away. */
export const verifyBackups = (order: VerifyOrder): Promise<Verified[]> =>
  order.mend ? withFolderLock(order.folder, () => verifyAll(order)) : verifyAll(order);

async function verifyAll(order: VerifyOrder): Promise<Verified[]> {
  const round: Round = { ...order, seen: new Map() };
  const names = order.name === undefined ? (await listBackupNames(order.folder)).reverse() : [order.name];
  const verified: Verified[] = [];
  for (const name of names) {
    const one = await verifyOne(round, name);
    // A backup that ended meanwhile may have taken the place of an old one.
    const isGone = one.problems.length > 0 && !(await listBackupNames(order.folder)).includes(name);
    if (order.name !== undefined || !isGone) verified.push(one);
  }
  return verified;
}

async function verifyOne(round: Round, name: string): Promise<Verified> {
  const problems: string[] = [];
  let manifest: Manifest;
  try {
    manifest = await readManifest(round.folder, name);
  } catch (error) {
    return { name, at: undefined, problems: [errorMessage(error)], files: 0, repositories: 0 };
  }
  const { at, files, repos } = manifest;
  if (!(await hasWholeLists(round.folder, name, manifest))) problems.push('a list of it is damaged');
  else {
    problems.push(...(await checkFiles(round, name)), ...(await checkRepos(round, name, manifest)));
  }
  problems.push(...(await checkDatabase(round, name, manifest)));
  return { name, at, problems, files: files.count, repositories: repos.length };
}

async function checkFiles(round: Round, name: string): Promise<string[]> {
  const problems: string[] = [];
  for await (const { path, bytes, sha256 } of readFiles(round.folder, name)) {
    const isWhole = await isSound(round, storedFilePath(round.folder, sha256), { bytes, sha256 });
    if (!isWhole) problems.push(`${path} is missing or damaged`);
  }
  return problems;
}

async function isSound(
  round: Round,
  path: string,
  sealed: { bytes: number; sha256: string },
): Promise<boolean> {
  const known = round.seen.get(path);
  if (known !== undefined) return known;
  const sum = await sumOfFile(path).catch(() => undefined);
  const isWhole = sum?.bytes === sealed.bytes && sum.sha256 === sealed.sha256;
  round.seen.set(path, isWhole);
  if (!isWhole && round.mend) await rm(path, { force: true });
  return isWhole;
}

async function checkRepos(round: Round, name: string, manifest: Manifest): Promise<string[]> {
  const problems: string[] = [];
  const refs = await readRefs(round.folder, name);
  for (const repo of manifest.repos) {
    const store = packStore(round.folder, repo.id);
    const damagedPacks = await listDamagedPacks(round, repo, store);
    for (const pack of damagedPacks) problems.push(`${repo.name}: ${pack} is missing or damaged`);
    if (round.quick || damagedPacks.length > 0 || repo.packs.length === 0) continue;
    const why = await askGit(round, repo, [...(refs.get(repo.id)?.values() ?? [])]);
    if (why !== undefined) problems.push(`${repo.name}: ${why}`);
  }
  return problems;
}

async function listDamagedPacks(round: Round, repo: StoredRepo, store: string): Promise<string[]> {
  const damaged: string[] = [];
  for (const { name, pack, index } of repo.packs) {
    const path = join(store, 'pack', name);
    const whole = [await isSound(round, `${path}.pack`, pack), await isSound(round, `${path}.idx`, index)];
    if (whole.includes(false)) damaged.push(name);
  }
  return damaged;
}

/** Why git cannot read what the refs reach, or undefined. */
async function askGit(
  { git, folder, timeoutMs }: Round,
  repo: StoredRepo,
  oids: readonly string[],
): Promise<string | undefined> {
  const store = packStore(folder, repo.id);
  const options = { repo: dirname(store), timeoutMs };
  try {
    for (const { name } of repo.packs) {
      await runLong(git, ['verify-pack', '--', join(store, 'pack', `${name}.idx`)], options);
    }
    const input = [...new Set(oids)].map((oid) => `${oid}\n`).join('');
    await runLong(git, ['rev-list', '--objects', '--quiet', '--stdin'], { ...options, input });
    return undefined;
  } catch (error) {
    if (error instanceof GitError) return error.stderr.trim().split('\n', 1)[0] ?? 'git cannot read it';
    throw error;
  }
}

/** SQLite writes beside a database that it opens, so it is given a copy. */
async function checkDatabase(round: Round, name: string, { database }: Manifest): Promise<string[]> {
  const path = join(backupFolder(round.folder, name), databaseName);
  const sum = await sumOfFile(path).catch(() => undefined);
  if (sum?.sha256 !== database.sha256) return ['the database is missing or damaged'];
  if (round.quick) return [];
  const place = await mkdtemp(join(tmpdir(), 'pika-verify-'));
  try {
    const copy = join(place, databaseName);
    await copyFile(path, copy);
    const db = new Db(copy);
    try {
      const sound = db.get<{ quick_check: string }>('PRAGMA quick_check')?.quick_check;
      return sound === 'ok' ? [] : [`the database: ${sound ?? 'no answer'}`];
    } finally {
      db.close();
    }
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}
