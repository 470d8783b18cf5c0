// A person with a clone and `ph`, and a forge that answers over HTTP. The forge runs in the test, so that
// the test can end lanes and merge while `ph` waits.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createToken } from '../../src/accounts/create-token.ts';
import type { Branch } from '../../src/branches/model.ts';
import { serveApi } from '../landing/served-api.ts';
import { stageBranch, stageRepo, type StageOptions, type StagedRepo } from '../landing/staged-branch.ts';
import type { TestForge } from '../support/forge.ts';
import { makeClient, type GitClient } from '../support/git-client.ts';
import { runProgram, type ProgramResult } from '../support/run-program.ts';

export const launcher = fileURLToPath(new URL('../../src/ph/ph', import.meta.url));

export interface Terminal {
  staged: StagedRepo;
  branch: Branch;
  origin: string;
  token: string;
  client: GitClient;
  /** Runs ph in the clone with PH_URL and PH_TOKEN set. */
  ph: (...args: string[]) => Promise<ProgramResult>;
  /** Runs ph with nothing but this added to the environment. */
  phWith: (env: Record<string, string>, ...args: string[]) => Promise<ProgramResult>;
}

export async function atTerminal(test: TestForge, options: StageOptions = {}): Promise<Terminal> {
  const staged = await stageRepo(test);
  const origin = await serveApi(test, staged);
  const branch = await stageBranch(staged, options);
  const client = await makeClient(test.folder, { name: 'ada' });
  await client.git('remote', 'add', 'origin', `${origin}/ada/app.git`);
  await client.git('fetch', '--quiet', staged.folder, `refs/heads/${branch.name}`);
  await client.git('checkout', '--quiet', '-b', branch.name, 'FETCH_HEAD');
  const token = createToken(staged.forge, { accountId: staged.account.id, scope: 'write' });
  const phWith: Terminal['phWith'] = (env, ...args) =>
    runProgram(['sh', launcher, ...args], {
      cwd: client.checkout,
      env: { ...client.env, XDG_CONFIG_HOME: join(client.home, 'config'), ...env },
    });
  return {
    staged,
    branch,
    origin,
    token,
    client,
    ph: (...args) => phWith({ PH_URL: origin, PH_TOKEN: token }, ...args),
    phWith,
  };
}
