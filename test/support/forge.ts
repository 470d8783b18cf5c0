// A real forge in a temporary folder: real SQLite, real git, a silent log and, when asked, a clock that
// stands still. Disposing it fails the test when a child process or the folder is left behind.
import { mkdirSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { Account, AccountRole, Caller } from '../../src/accounts/model.ts';
import { readConfig, type SettingsOverride } from '../../src/forge/config.ts';
import { openForge, type Forge } from '../../src/forge/open.ts';
import { createLog } from '../../src/lib/log.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Repo } from '../../src/repos/model.ts';
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
  const clock = options.clock === undefined ? {} : { clock: options.clock };
  const forge = openForge(config, { log: createLog('silent'), ...clock });
  const deferred: (() => Promise<void> | void)[] = [];
  const repoFolder = (repo: Repo): string => join(config.paths.repos, `${repo.id}.git`);
  return {
    forge,
    folder,
    account: (name, role = 'member') => addAccount(forge, name, role),
    repo: (fullName, repoOptions = {}) => addRepo(forge, fullName, repoOptions),
    repoFolder,
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
  const createdAt = forge.clock.now();
  const email = `${name}@example.org`;
  const { lastId: id } = forge.db.run(
    'INSERT INTO accounts (name, email, role, created_at) VALUES (:name, :email, :role, :createdAt)',
    { name, email, role, createdAt },
  );
  const account: Account = { id, name, email, kind: 'person', role, createdAt };
  return { account, caller: { account, scope: 'admin', credential: 'console', address: '127.0.0.1' } };
}

async function addRepo(forge: Forge, fullName: string, options: RepoOptions): Promise<Repo> {
  const [owner = '', name = ''] = fullName.split('/');
  const { visibility = 'private', defaultBranch = 'main' } = options;
  const createdAt = forge.clock.now();
  const { lastId: id } = forge.db.run(
    `INSERT INTO repos (owner, name, visibility, default_branch, created_at)
     VALUES (:owner, :name, :visibility, :defaultBranch, :createdAt)`,
    { owner, name, visibility, defaultBranch, createdAt },
  );
  const path = join(forge.config.paths.repos, `${id}.git`);
  mkdirSync(path, { recursive: true });
  await forge.git.run(['init', '--quiet', '--bare', `--initial-branch=${defaultBranch}`, path]);
  if (options.files !== undefined) {
    await pushFiles(forge.git, { repo: path, branch: defaultBranch, files: options.files });
  }
  return {
    id,
    owner,
    name,
    description: '',
    visibility,
    defaultBranch,
    mergeMethod: 'merge',
    createdAt,
    pushedAt: undefined,
  };
}
