// The companion command as a person runs it in a checkout.
import { fileURLToPath } from 'node:url';
import type { GitClient } from './git-client.ts';
import { runProgram, type ProgramResult } from './run-program.ts';
import type { ServedForge } from './serve.ts';

const launcher = fileURLToPath(new URL('../../src/ph/ph', import.meta.url));

export type Ph = (...args: string[]) => Promise<ProgramResult>;

/**
 * `ph` in the client's checkout, with a token in the environment in place of a sign-in. Commands that wait for lanes and
 * landings are given the time of the test.
 */
export async function makePh(
  served: ServedForge,
  client: GitClient,
  limits: { timeoutMs?: number } = {},
): Promise<Ph> {
  const env = { ...client.env, PH_URL: served.http, PH_TOKEN: await served.token(client.name) };
  return (...args) => runProgram(['sh', launcher, ...args], { cwd: client.checkout, env, ...limits });
}
