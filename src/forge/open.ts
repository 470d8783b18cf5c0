// Opens what every verb is given. Leaves only: a database, a clock, a log, git, and the facts; never a domain.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Db } from '../db/open.ts';
import { migrate } from '../db/migrate.ts';
import { Git } from '../git/run.ts';
import { systemClock, type Clock } from '../lib/clock.ts';
import { ForgeError } from '../lib/errors.ts';
import { createLog, type Log } from '../lib/log.ts';
import type { Config } from './config.ts';
import { Events } from './events.ts';

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
  try {
    for (const folder of [
      paths.repos,
      paths.spool,
      paths.lanes,
      paths.checkouts,
      paths.keys,
      paths.gitHome,
    ]) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    }
    mkdirSync(paths.backups, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new ForgeError('unavailable', `The data directory ${paths.data} cannot be written.`, {
      cause: error,
    });
  }
  const db = new Db(paths.database);
  migrate(db, (version) => join(paths.backups, `before-schema-${version + 1}-${Date.now()}.db`));
  return {
    config,
    db,
    events: new Events(),
    clock: options.clock ?? systemClock,
    log: options.log ?? createLog(config.logLevel),
    git: new Git({ home: paths.gitHome, searchPath: config.searchPath, limits: config.limits }),
  };
}

/** The origin shown in links: the configured public URL, else the address the forge listens on. */
export function publicOrigin(config: Config): string {
  return config.publicUrl?.replace(/\/+$/, '') ?? `http://${config.http.host}:${config.http.port}`;
}
