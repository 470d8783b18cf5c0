// Looks over what is the forge's as a whole: the machine, the database, git's configuration, files that wait or that
// nobody owns, and large files.
import { chmod, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { listUnreadableSecrets } from '../ci/secrets/unreadable-secrets.ts';
import type { Forge } from '../forge/open.ts';
import { latestVersion, schemaVersion } from '../db/migrate.ts';
import { checkLfsObjects } from '../lfs/check.ts';
import { ForgeError } from '../lib/errors.ts';
import { listRepos } from '../repos/find.ts';
import { checkSurroundings } from './checks.ts';
import type { Finding, Part, Problem } from './findings.ts';

const hourMs = 60 * 60_000;
const lowBytes = 1024 ** 3;
const maxLines = 10;
/** Names of what was being written when the forge, or a hook, was killed. */
const unfinished = /^(?:draft-|\.probe-)|\.(?:tmp|draft)$/;

export async function examineSurroundings(forge: Forge): Promise<Finding> {
  try {
    const { git, freeBytes } = await checkSurroundings(forge);
    const what = `git ${git}, hooks at work, data writable, ${(freeBytes / 2 ** 30).toFixed(1)} GiB free`;
    if (freeBytes >= lowBytes) return { level: 'ok', what };
    return { level: 'warning', what, advice: 'The disk will soon be full; free some of it.' };
  } catch (error) {
    if (error instanceof ForgeError) return { level: 'error', what: error.message };
    throw error;
  }
}

/** In the order in which they are shown. */
export const forgeParts = (forge: Forge, options: { quick: boolean }): Part[] => [
  databasePart(forge),
  configurationPart(forge),
  keysPart(forge),
  secretsPart(forge),
  spoolPart(forge),
  reposPart(forge),
  ...(options.quick ? [] : [lfsPart(forge)]),
];

function databasePart(forge: Forge): Part {
  return {
    fine: `database sound, schema ${schemaVersion(forge.db)} of ${latestVersion()}`,
    look: async () => {
      const advice = 'Stop the forge and restore the newest backup.';
      const sound = forge.db.get<{ quick_check: string }>('PRAGMA quick_check')?.quick_check;
      if (sound !== 'ok') return [{ level: 'error', what: `database: ${sound ?? 'no answer'}`, advice }];
      const orphans = forge.db.all<{ table: string; parent: string }>('PRAGMA foreign_key_check');
      const tables = [...new Set(orphans.map(({ table, parent }) => `${table} without its ${parent}`))];
      return tables.map((what) => ({ level: 'error', what: `database: a row of ${what}`, advice }));
    },
  };
}

function configurationPart(forge: Forge): Part {
  return {
    fine: "git's configuration is the forge's own",
    look: async () =>
      forge.git.hasOwnConfiguration()
        ? []
        : [
            {
              level: 'error',
              what: "git's configuration was altered since the start",
              mend: 'configuration',
            },
          ],
    mends: { configuration: async () => forge.git.writeConfiguration() },
  };
}

/** A host key that others can read lets them pretend to be this forge; the database has what is nobody else's to read. */
function keysPart(forge: Forge): Part {
  const { keys, database } = forge.config.paths;
  const open = async (): Promise<string[]> => {
    const ofKeys = [keys, ...(await readdir(keys)).map((name) => join(keys, name))];
    const paths = [...ofKeys, database, `${database}-wal`, `${database}-shm`];
    const modes = await Promise.all(
      paths.map(async (path) => (await stat(path).catch(() => undefined))?.mode),
    );
    return paths.filter((path, index) => !path.endsWith('.pub') && ((modes[index] ?? 0) & 0o077) !== 0);
  };
  return {
    fine: 'keys and the database are readable by the forge alone',
    look: async () =>
      (await open()).map((path) => ({
        level: 'error',
        what: `${path} can be read by others on this machine`,
        mend: 'modes',
      })),
    mends: {
      modes: async () => {
        for (const path of await open()) await chmod(path, path === keys ? 0o700 : 0o600);
      },
    },
  };
}

/** A database that was brought back without its keys looks sound until a lane needs a secret. */
function secretsPart(forge: Forge): Part {
  return {
    fine: 'every secret of a lane can be opened',
    look: async () => {
      const lost = listUnreadableSecrets(forge);
      const advice =
        'Bring back keys/secrets.key from the backup of that database, or set these secrets again.';
      const shown = lost.slice(0, maxLines).join(', ');
      const more = lost.length > maxLines ? ` and ${lost.length - maxLines} more` : '';
      const what = `secrets that cannot be opened: ${shown}${more}`;
      return lost.length === 0 ? [] : [{ level: 'error', what, advice }];
    },
  };
}

function spoolPart(forge: Forge): Part {
  const { spool } = forge.config.paths;
  const halfWritten = async (): Promise<string[]> =>
    (await olderThan(spool, hourMs)).filter((name) => unfinished.test(name));
  return {
    fine: 'no push waits to be read',
    look: async () => {
      const half = (await halfWritten()).map((name): Problem => ({
        level: 'warning',
        what: `${name} in the spool was never finished; the refs of its push were read without it`,
        mend: 'half-written',
      }));
      const rest = (await olderThan(spool, hourMs)).filter((name) => !unfinished.test(name));
      const waiting = rest.map((name): Problem => ({
        level: 'warning',
        what: name.endsWith('.unreadable')
          ? `the spooled push ${name} could not be read and was put aside`
          : `the spooled push ${name} has been waiting for more than an hour`,
        advice:
          'The log of the forge says why. Its refs are found by the scan; remove the file when it is settled.',
      }));
      return [...half, ...waiting.slice(0, maxLines)];
    },
    mends: {
      'half-written': async () => {
        for (const name of await halfWritten()) await rm(join(spool, name), { force: true });
      },
    },
  };
}

function reposPart(forge: Forge): Part {
  const { repos } = forge.config.paths;
  const drafts = async (): Promise<string[]> =>
    (await olderThan(repos, hourMs)).filter((name) => unfinished.test(name));
  return {
    fine: 'every folder of repositories has its row',
    look: async () => {
      const known = new Set(listRepos(forge).map(({ id }) => `${id}.git`));
      const strange = (await olderThan(repos, hourMs)).filter(
        (name) => !known.has(name) && !unfinished.test(name),
      );
      return [
        ...(await drafts()).map((name): Problem => ({
          level: 'warning',
          what: `repos/${name} was never finished`,
          mend: 'drafts',
        })),
        ...strange.slice(0, maxLines).map((name): Problem => ({
          level: 'warning',
          what: `repos/${name} belongs to no repository of the database`,
          advice: 'It may be all that is left of one: move it away, or restore the database it belongs to.',
        })),
      ];
    },
    mends: {
      drafts: async () => {
        for (const name of await drafts()) await rm(join(repos, name), { recursive: true, force: true });
      },
    },
  };
}

function lfsPart(forge: Forge): Part {
  return {
    fine: 'large files are what their names say',
    look: async () => {
      const { damaged } = await checkLfsObjects(forge);
      return damaged.slice(0, maxLines).map(({ oid, problem }) => ({
        level: 'error',
        what: `the large file ${oid} is ${problem}`,
        advice: 'Push it again with git lfs push --object-id, or restore a backup.',
      }));
    },
  };
}

async function olderThan(folder: string, ageMs: number): Promise<string[]> {
  const names = await readdir(folder);
  const times = await Promise.all(
    names.map(async (name) => (await stat(join(folder, name)).catch(() => undefined))?.mtimeMs),
  );
  return names.filter((_name, index) => (times[index] ?? Infinity) < Date.now() - ageMs);
}
