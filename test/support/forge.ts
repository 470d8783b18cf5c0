// A real forge in a temporary folder: real SQLite, real git, a silent log and, when asked, a clock that
// stands still. Disposing it fails the test when a child process or the folder is left behind.
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { createAccount } from '../../src/accounts/create-account.ts';
import type { Account, AccountRole, Caller } from '../../src/accounts/model.ts';
import { systemCaller } from '../../src/accounts/system.ts';
import { readConfig, type SettingsOverride } from '../../src/forge/config.ts';
import { openForge, type Forge } from '../../src/forge/open.ts';
import { createLog } from '../../src/lib/log.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { createRepo } from '../../src/repos/create-repo.ts';
import type { Repo } from '../../src/repos/model.ts';
import { repoPath } from '../../src/repos/path.ts';
import { layFreshDatabase } from './fresh-database.ts';
import { findLeftovers } from './leftovers.ts';
import { pushFiles, type Files } from './push-files.ts';

export interface TestForgeOptions {
  clock?: Clock;
  /** Laid over the defaults, in the shape of pika.toml. */
  settings?: SettingsOverride;
}

export interface TestForge {
  forge: Forge;
  /** The data directory. */
  folder: string;
  /** A new account and a caller who signed in as it with every scope. */
  account: (name: string, role?: AccountRole) => { account: Account; caller: Caller };
  /** A new repository `owner/name`; `files` become the first commit of its default branch. */
  repo: (fullName: string, options?: RepoOptions) => Promise<Repo>;
  /** The bare repository's folder. */
  repoFolder: (repo: Repo) => string;
  /** Runs at disposal, last registered first, before the database closes: stop what the test started. */
  defer: (stop: () => Promise<void> | void) => void;
  dispose: () => Promise<void>;
}

export interface RepoOptions {
  files?: Files;
  visibility?: 'private' | 'public';
  defaultBranch?: string;
}

/** Opens a forge; the caller disposes it. Most tests take `useForge` instead. */
export async function openTestForge(options: TestForgeOptions = {}): Promise<TestForge> {
  const folder = mkdtempSync(join(tmpdir(), 'pika-forge-'));
  const config = readConfig(
    folder,
    { http: { port: 0 }, ssh: { port: 0 }, logLevel: 'silent', ...options.settings },
    { PATH: process.env['PATH'] },
  );
  layFreshDatabase(config.paths.database);
  const clock = options.clock === undefined ? {} : { clock: options.clock };
  const forge = openForge(config, { log: createLog('silent'), ...clock });
  const deferred: (() => Promise<void> | void)[] = [];
  return {
    forge,
    folder,
    account: (name, role = 'member') => addAccount(forge, name, role),
    repo: (fullName, repoOptions = {}) => addRepo(forge, fullName, repoOptions),
    repoFolder: (repo) => repoPath(forge, repo.id),
    defer: (stop) => void deferred.push(stop),
    dispose: async () => {
      for (const stop of deferred.splice(0).reverse()) await stop();
      forge.db.close();
      await removeAndCheck(folder);
    },
  };
}

/**
 * For the top of a test file: `const open = useForge();`, then in a test `const test = await open();`.
 * Every forge opened so is disposed after its test.
 */
export function useForge(
  defaults: TestForgeOptions = {},
): (options?: TestForgeOptions) => Promise<TestForge> {
  const opened: TestForge[] = [];
  afterEach(async () => {
    for (const testForge of opened.splice(0)) await testForge.dispose();
  });
  return async (options = {}) => {
    const testForge = await openTestForge({ ...defaults, ...options });
    opened.push(testForge);
    return testForge;
  };
}

async function removeAndCheck(folder: string): Promise<void> {
  const leftovers = await findLeftovers(folder);
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  if (leftovers.length > 0) {
    throw new Error(`The test left these child processes behind: ${leftovers.join('; ')}`);
  }
}

function addAccount(forge: Forge, name: string, role: AccountRole): { account: Account; caller: Caller } {
  const account = createAccount(forge, { name, role, email: `${name}@example.org` });
  return { account, caller: { account, scope: 'admin', credential: 'console', address: '127.0.0.1' } };
}

async function addRepo(forge: Forge, fullName: string, options: RepoOptions): Promise<Repo> {
  const [owner = '', name = ''] = fullName.split('/');
  const { files, ...rest } = options;
  const repo = await createRepo(forge, { owner, name, ...rest, caller: systemCaller(forge) });
  if (files !== undefined) {
    await pushFiles(forge.git, { repo: repoPath(forge, repo.id), branch: repo.defaultBranch, files });
  }
  return repo;
}
