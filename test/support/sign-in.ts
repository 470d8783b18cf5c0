// Signing in as people do: by the link that the forge gives over SSH.
import type { Page } from 'playwright-core';
import type { GitClient } from './git-client.ts';
import { outputOf } from './run-program.ts';
import type { ServedForge } from './serve.ts';
import { sshArguments } from './ssh.ts';

/** What `ssh HOST login` answers to the client's key: an address that signs in once. */
export async function loginLink(served: ServedForge, client: GitClient): Promise<string> {
  const argv = [...sshArguments(client.key, served.sshPort), 'git@127.0.0.1', 'login'];
  const said = await outputOf(argv, { cwd: client.checkout, env: client.env });
  const link = /http:\/\/\S+\/login\/\S+/.exec(said)?.[0];
  if (link === undefined) throw new Error(`There is no link to sign in with in: ${said}`);
  return link;
}

/** Leaves the page on the home page, signed in as the client. */
export async function signIn(page: Page, served: ServedForge, client: GitClient): Promise<void> {
  await page.goto(await loginLink(served, client));
  await page.getByRole('main').getByRole('button').first().click();
  await page.waitForURL(`${served.http}/`);
}
