// Opens what every verb is given. Leaves only: a database, a clock, a log, git, and the facts; never a domain.
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { Db } from '../db/open.ts';
import { migrate } from '../db/migrate.ts';
import { Git } from '../git/run.ts';
import { isDiskFull } from '../lib/disk-full.ts';
import { systemClock, type Clock } from '../lib/clock.ts';
import { ForgeError, errorMessage } from '../lib/errors.ts';
import { createLog, type Log } from '../lib/log.ts';
import type { RotatedFileOptions } from '../lib/rotated-file.ts';
import type { Config, Paths } from './config.ts';
import { Events } from './events.ts';
import { refuseHalfRestored } from './restoring.ts';

/** Begins the names of the copies of the database that upgrades make first. */
const copyPrefix = 'before-schema-';

export interface Forge {
  config: Config;
  db: Db;
  events: Events;
  clock: Clock;
  log: Log;
  git: Git;
}

/**
 * Opens a data directory, creating and migrating it as needed.
 * Refuses (`unavailable`) when the directory cannot be written, git is too old, or the schema is newer.
 */
export function openForge(config: Config, options: { clock?: Clock; log?: Log } = {}): Forge {
  const { paths } = config;
  refuseHalfRestored(paths.data);
  makeFolders(paths);
  const db = openDatabase(config);
  return {
    config,
    db,
    events: new Events(),
    clock: options.clock ?? systemClock,
    log: options.log ?? createLog(config.logLevel, logFileOf(config)),
    git: new Git({ home: paths.gitHome, searchPath: config.searchPath, limits: config.limits }),
  };
}

function logFileOf({ health }: Config): RotatedFileOptions | undefined {
  if (health.logFile === undefined) return undefined;
  const maxBytes = health.maxLogFileMebibytes * 1024 * 1024;
  return { path: health.logFile, maxBytes, keepFiles: health.keepLogFiles };
}

function makeFolders(paths: Paths): void {
  const { repos, spool, lanes, checkouts, caches, keys, gitHome, lfs, backups } = paths;
  try {
    for (const folder of [repos, spool, lanes, checkouts, caches, keys, gitHome, lfs, backups]) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    }
    accessSync(paths.data, constants.W_OK);
  } catch (error) {
    throw new ForgeError('unavailable', `The data directory ${paths.data} cannot be written.`, {
      cause: error,
    });
  }
}

function openDatabase({ paths, backups }: Config): Db {
  try {
    // The folder may be one that the operator made, open to all of the machine; SQLite's other files have the mode of this one.
    closeSync(openSync(paths.database, 'a', 0o600));
    for (const end of ['', '-wal', '-shm']) closeToOthers(`${paths.database}${end}`);
    const db = new Db(paths.database);
    let copied: string | undefined;
    migrate(db, (version) => {
      removeHalfCopies(paths.backups);
      return (copied = join(paths.backups, `${copyPrefix}${version + 1}-${Date.now()}.db`));
    });
    if (copied !== undefined) removeOldCopies(paths.backups, backups.keepBeforeUpgrade);
    return db;
  } catch (error) {
    if (error instanceof ForgeError) throw error;
    if (isDiskFull(error)) {
      const sentence = `The disk of ${paths.data} is full, so the database cannot be opened. Make room, and start again; nothing is lost.`;
      throw new ForgeError('unavailable', sentence, { cause: error });
    }
    throw new ForgeError(
      'unavailable',
      `The database ${paths.database} cannot be opened: ${errorMessage(error)}. Give it to the user of the forge, or restore a backup.`,
      { cause: error },
    );
  }
}

/** A file of before, when a new one was readable by all. */
function closeToOthers(path: string): void {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined || (file.mode & 0o077) === 0 || file.uid !== process.getuid?.()) return;
  chmodSync(path, 0o600);
}

/** Each start that is killed while it copies leaves one, as large as the database. */
function removeHalfCopies(folder: string): void {
  const drafts = readdirSync(folder).filter((name) => name.startsWith(copyPrefix) && name.endsWith('.draft'));
  for (const name of drafts) rmSync(join(folder, name), { force: true });
}

/** Of the copies from before upgrades, only the newest stay. */
function removeOldCopies(folder: string, keep: number): void {
  const copies = readdirSync(folder).filter((name) => name.startsWith(copyPrefix));
  const madeAt = (name: string): number => statSync(join(folder, name)).mtimeMs;
  const old = copies.sort((a, b) => madeAt(b) - madeAt(a)).slice(keep);
  for (const name of old) rmSync(join(folder, name), { force: true });
}

/** The origin shown in links: the configured public URL, else the address the forge listens on. */
export function publicOrigin({ publicUrl, http }: Config): string {
  return publicUrl?.replace(/\/+$/, '') ?? `http://${bracketed(http.host)}:${http.port}`;
}

/** A host as it stands in an address: one of IPv6 in brackets. */
export const bracketed = (host: string): string =>
  host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;

/** Host and port at which people reach git over SSH. A server that listens everywhere has the host of the pages. */
export function sshAddress(config: Config): { host: string; port: number } {
  if (config.publicSsh !== undefined) return config.publicSsh;
  const { host, port } = config.ssh;
  const isEverywhere = host === '0.0.0.0' || host === '::';
  return { host: isEverywhere ? new URL(publicOrigin(config)).hostname : host, port };
}
