// A whole forge in the test's own process, whose routes can be walked: `ada/app` with the branch #1, whose run 1 waits
// with its lane `unit` because CI is paused, and people with every right.
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { createAccount } from '../../src/accounts/create-account.ts';
import { createTokenRow } from '../../src/accounts/create-token.ts';
import type { Account, TokenScope } from '../../src/accounts/model.ts';
import { systemCaller } from '../../src/accounts/system.ts';
import { scanRepo } from '../../src/branches/scan.ts';
import { readConfig, type SettingsOverride } from '../../src/forge/config.ts';
import { serve, type Served } from '../../src/operator/serve.ts';
import { createRepo } from '../../src/repos/create-repo.ts';
import { setMember } from '../../src/repos/members.ts';
import type { Repo } from '../../src/repos/model.ts';
import { repoPath } from '../../src/repos/path.ts';
import { pushFiles } from './push-files.ts';
import { manifestOf } from './sample-project.ts';

const names = ['ada', 'root', 'reader', 'writer', 'spare', 'robot'] as const;

export interface StagedServer {
  served: Served;
  repo: Repo;
  /** Another one of ada's, empty. */
  other: Repo;
  /** The commit of the branch. */
  head: string;
  /** `ada` owns both, `root` is an admin, `robot` is an agent that may write; `spare` is nobody's member. */
  people: Record<(typeof names)[number], Account>;
  token: (account: Account, options?: TokenOptions) => string;
  revoked: (account: Account) => string;
  dispose: () => Promise<void>;
}

interface TokenOptions {
  /** Default: admin. */
  scope?: TokenScope;
  expiresAt?: number;
  repoId?: number;
}

/** The caller disposes it. */
export async function stageServer(limits: SettingsOverride = {}): Promise<StagedServer> {
  const folder = mkdtempSync(join(tmpdir(), 'pika-staged-'));
  const settings = {
    http: { port: 0 },
    ssh: { port: 0 },
    logLevel: 'silent',
    publicUrl: 'http://localhost',
    // Whoever asks is on this machine; and a machine that runs all tests at once is slow.
    health: { metricsFromHere: false, checkTimeoutSeconds: 60 },
    limits,
  };
  const served = await serve(readConfig(folder, settings, { PATH: process.env['PATH'] }), { welcome: false });
  const dispose = async (): Promise<void> => {
    await served.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    return { ...(await stage(served)), served, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function stage(served: Served): Promise<Omit<StagedServer, 'served' | 'dispose'>> {
  const { forge } = served;
  const system = systemCaller(forge);
  const people = Object.fromEntries(
    names.map((name) => {
      const kind = name === 'robot' ? 'agent' : 'person';
      return [name, createAccount(forge, { name, kind, role: name === 'root' ? 'admin' : 'member' })];
    }),
  ) as StagedServer['people'];
  const token: StagedServer['token'] = (account, { scope = 'admin', ...rest } = {}) =>
    createTokenRow(forge, { accountId: account.id, scope, ...rest }).secret;
  const repo = await createRepo(forge, { owner: 'ada', name: 'app', caller: system });
  const other = await createRepo(forge, { owner: 'ada', name: 'other', caller: system });
  const members = { reader: 'read', writer: 'write', robot: 'write' } as const;
  for (const [account, role] of Object.entries(members))
    setMember(forge, { repo, caller: system, account, role });
  const head = await pushBranch(served, { repo, pausedBy: people.root });
  return {
    repo,
    other,
    head,
    people,
    token,
    revoked: (account) => {
      const { id, secret } = createTokenRow(forge, { accountId: account.id, scope: 'admin' });
      forge.db.run('UPDATE tokens SET revoked_at = 1 WHERE id = :id', { id });
      return secret;
    },
  };
}

async function pushBranch(served: Served, given: { repo: Repo; pausedBy: Account }): Promise<string> {
  const { forge } = served;
  const { repo, pausedBy } = given;
  forge.db.run("INSERT INTO ci_pause (paused_at, paused_by, reason) VALUES (:now, :by, 'a test')", {
    now: forge.clock.now(),
    by: pausedBy.id,
  });
  const place = repoPath(forge, repo.id);
  const lanes = manifestOf([{ id: 'unit', command: 'true' }]);
  await pushFiles(forge.git, { repo: place, branch: 'main', files: { '.pika/lanes.toml': lanes } });
  const files = { 'a.txt': 'a\n' };
  const head = await pushFiles(forge.git, { repo: place, branch: 'feature', from: 'refs/heads/main', files });
  await scanRepo(forge, repo);
  await vi.waitFor(
    () => {
      const query = 'SELECT key FROM lanes JOIN runs ON runs.id = lanes.run_id WHERE head_oid = :head';
      expect(forge.db.all(query, { head })).toEqual([{ key: 'unit' }]);
    },
    { timeout: 50_000, interval: 50 },
  );
  return head;
}
