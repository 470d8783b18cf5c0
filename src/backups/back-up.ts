// Makes a backup of a forge that goes on being used. The database comes first, then refs and objects, then files: what is
// written in between is at most more than the rows tell of, as after a lost hook, and a restore reads it from the refs.
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { schemaVersion } from '../db/migrate.ts';
import type { Forge } from '../forge/open.ts';
import { measureRepo } from '../git/repo-extent.ts';
import { GitError } from '../git/run.ts';
import { ForgeError, errorMessage } from '../lib/errors.ts';
import { listRepos } from '../repos/find.ts';
import { besideHousekeeping } from '../repos/housekeeping.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { listDataFiles, type Choice, type DataFile } from './data-files.ts';
import {
  backupFolder,
  backupsFolder,
  draftPrefix,
  listBackupNames,
  makeBackupFolder,
  nameFor,
  newestBackup,
  syncFolder,
  writeManifest,
} from './folder.ts';
import {
  databaseName,
  hasWholeLists,
  readFiles,
  readRefs,
  writeFiles,
  writeRefs,
  type RefsByRepo,
} from './list-files.ts';
import { withFolderLock } from './lock-folder.ts';
import { backupFormat, type Manifest, type StoredFile } from './model.ts';
import { checkPlace, requireRoom } from './place.ts';
import { pruneBackups } from './prune.ts';
import { storeFiles } from './store-files.ts';
import { sumOfFile } from './store-file.ts';
import { storeRepo } from './store-repo.ts';
import { removeUnfinished } from './unfinished.ts';

const spareMebibytes = 64;

export interface BackupOrder extends Choice {
  /** An absolute path. */
  folder: string;
  /** The version of this program. */
  program: string;
  /** How many backups stay; all of them when it is left out. */
  keep?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Is told what is done now, in a few words for people. */
  onDoing?: (doing: string) => void;
}

export interface BackedUp {
  name: string;
  manifest: Manifest;
  /** Older backups that were taken away. */
  removed: string[];
}

/**
 * Writes a backup into the folder; it is there as a whole, or not at all. Only what the folder does not have is copied.
 * Refuses a folder in the data (`invalid`), one that another backup is written into (`conflict`), and a disk without
 * room (`unavailable`).
 */
export async function backUp(forge: Forge, order: BackupOrder): Promise<BackedUp> {
  checkPlace(forge.config.paths.data, order.folder);
  await makeBackupFolder(order.folder);
  try {
    return await withFolderLock(order.folder, async () => {
      await removeUnfinished(order.folder);
      const made = await makeBackup(forge, order);
      const removed = await pruneBackups(order.folder, order.keep);
      return { ...made, removed };
    });
  } catch (error) {
    throw isFull(error) ? diskIsFull(order.folder, error) : (cannotWrite(order.folder, error) ?? error);
  }
}

interface Before {
  refs: RefsByRepo;
  repos: Manifest['repos'];
  files: Map<string, StoredFile>;
}

async function makeBackup(forge: Forge, order: BackupOrder): Promise<Omit<BackedUp, 'removed'>> {
  const { folder, signal } = order;
  const at = forge.clock.now();
  const name = nameFor(at, await listBackupNames(folder));
  const draft = join(backupsFolder(folder), `${draftPrefix}${name}`);
  const before = await readBefore(folder);
  await mkdir(draft, { mode: 0o700 });
  try {
    // Nothing is packed anew, swept or given up under it.
    const parts = await besideHousekeeping(forge, () => gather(forge, order, { draft, before }));
    signal?.throwIfAborted();
    const manifest = { at: new Date(at).toISOString(), endedAt: new Date(forge.clock.now()).toISOString() };
    const whole: Manifest = { ...parts, ...manifest };
    await writeManifest(draft, whole);
    await syncFolder(draft);
    await rename(draft, backupFolder(folder, name));
    await syncFolder(backupsFolder(folder));
    return { name, manifest: whole };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function readBefore(folder: string): Promise<Before> {
  const newest = await newestBackup(folder);
  if (newest === undefined || !(await hasWholeLists(folder, newest.name, newest.manifest))) {
    return { refs: new Map(), repos: [], files: new Map() };
  }
  const files = new Map<string, StoredFile>();
  for await (const file of readFiles(folder, newest.name)) files.set(file.path, file);
  return { refs: await readRefs(folder, newest.name), repos: newest.manifest.repos, files };
}

async function gather(
  forge: Forge,
  order: BackupOrder,
  { draft, before }: { draft: string; before: Before },
): Promise<Omit<Manifest, 'at' | 'endedAt'>> {
  const { folder, signal, logs, artifacts, program } = order;
  order.onDoing?.('copies the database');
  signal?.throwIfAborted();
  const { remembered, repos } = await copyDatabase(forge, order, draft);
  const files: DataFile[] = [];
  for await (const file of listDataFiles(forge.config.paths, { logs, artifacts })) files.push(file);
  await requireRoom(folder, await estimate(forge, { files, repos, before }), spareMebibytes);
  const ofRepos = await gatherRepos(forge, order, { repos, before });
  order.onDoing?.(`copies ${files.length} files`);
  const stored = await storeFiles(forge, { folder, files, remembered, known: before.files, signal });
  const database = await sumOfFile(join(draft, databaseName), signal);
  const [refs, fileList] = [await writeRefs(draft, ofRepos.refs), await writeFiles(draft, stored.files)];
  const contentBytes = stored.files.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    format: backupFormat,
    program,
    schema: schemaVersion(forge.db),
    leftOut: [...(logs ? [] : (['logs'] as const)), ...(artifacts ? [] : (['artifacts'] as const))],
    problems: [...ofRepos.problems, ...stored.problems],
    database,
    refs,
    files: { ...fileList, count: stored.files.length, contentBytes },
    repos: ofRepos.repos,
    newBytes: database.bytes + refs.bytes + fileList.bytes + ofRepos.newBytes + stored.newBytes,
  };
}

interface Moment {
  /** The pushes that were answered and are in no row yet. */
  remembered: Map<string, Buffer>;
  /** Of one that is made later, the copy has no row. */
  repos: Repo[];
}

/** Answers what goes with the copy, as it was in the same moment. */
async function copyDatabase(forge: Forge, { folder, signal }: BackupOrder, draft: string): Promise<Moment> {
  const { database, spool } = forge.config.paths;
  await requireRoom(folder, statSync(database).size, spareMebibytes);
  await forge.db.copyBeside(join(draft, databaseName), () => signal?.throwIfAborted());
  const waiting = readdirSync(spool).filter((name) => !/^\.|\.(?:tmp|draft)$/.test(name));
  const remembered = new Map(
    waiting
      .filter((name) => existsSync(join(spool, name)))
      .map((name) => [`${basename(spool)}/${name}`, readFileSync(join(spool, name))]),
  );
  return { remembered, repos: listRepos(forge).toSorted((a, b) => a.id - b.id) };
}

/** About as many bytes as will be new in the folder. */
async function estimate(
  forge: Forge,
  { files, repos, before }: { files: readonly DataFile[]; repos: readonly Repo[]; before: Before },
): Promise<number> {
  let bytes = 0;
  for (const { path, bytes: size, mtimeMs } of files) {
    const known = before.files.get(path);
    if (known?.bytes !== size || known.mtimeMs !== mtimeMs) bytes += size;
  }
  const known = new Set(before.repos.map(({ id }) => id));
  for (const { id } of repos) {
    const path = repoPath(forge, id);
    if (!known.has(id) && existsSync(path)) bytes += (await measureRepo(forge.git, path)).bytes;
  }
  return bytes;
}

async function gatherRepos(
  forge: Forge,
  order: BackupOrder,
  { repos, before }: { repos: readonly Repo[]; before: Before },
) {
  const gathered = { refs: new Map() as RefsByRepo, repos: [] as Manifest['repos'] };
  const problems: string[] = [];
  let newBytes = 0;
  const known = new Map(before.repos.map((repo) => [repo.id, repo]));
  for (const [index, repo] of repos.entries()) {
    order.signal?.throwIfAborted();
    order.onDoing?.(`packs ${fullName(repo)}, ${index + 1} of ${repos.length}`);
    const stored = known.get(repo.id);
    const refs = before.refs.get(repo.id) ?? new Map<string, string>();
    const base = stored && { packs: stored.packs, refs };
    const answer = await storeRepo(forge, { folder: order.folder, repo, base, signal: order.signal });
    gathered.repos.push(answer.stored);
    gathered.refs.set(repo.id, answer.refs);
    problems.push(...answer.problems);
    newBytes += answer.newBytes;
  }
  return { ...gathered, problems, newBytes };
}

function isFull(error: unknown): boolean {
  if (error instanceof GitError) return /No space left on device/.test(error.stderr);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'SQLITE_FULL';
}

/** Undefined when it is a fault of the program, and no file or git that failed. */
function cannotWrite(folder: string, cause: unknown): ForgeError | undefined {
  if (!(cause instanceof GitError) && !(cause instanceof Error && 'syscall' in cause)) return undefined;
  const isReadOnly = 'code' in cause && cause.code === 'EROFS';
  const hint = isReadOnly
    ? ' Where systemd confines the forge, ReadWritePaths of its unit must name the folder.'
    : '';
  const sentence = `The backup into ${folder} failed: ${errorMessage(cause).slice(0, 300)}. Nothing of it was kept.${hint}`;
  return new ForgeError('unavailable', sentence, { cause });
}

const diskIsFull = (folder: string, cause: unknown): ForgeError =>
  new ForgeError(
    'unavailable',
    `The disk of ${folder} became full (${errorMessage(cause).slice(0, 200)}). Nothing of this backup was kept; make room there, or keep fewer.`,
    { cause },
  );
