// A repository to make commits in by hand, and its pages over real HTTP.
import { rawCommit, type RawCommit } from '../support/raw-commit.ts';
import type { TestForge } from '../support/forge.ts';
import { serveBrowse } from './serve-browse.ts';

export async function stageHistory(it: TestForge) {
  const { account } = it.account('ada');
  const repo = await it.repo('ada/app');
  const folder = it.repoFolder(repo);
  const { git } = it.forge;
  const commit = (raw: Omit<RawCommit, 'repo'>) => rawCommit(git, { repo: folder, branch: 'main', ...raw });
  const served = await serveBrowse(it);
  const ask = served.as(account);
  const json = async (path: string) => JSON.parse((await ask(`/api/v1/repos/ada/app/${path}`)).text);
  return { it, git, repo, folder, commit, served, ask, json };
}

/** The subjects of a page, as they stand between the tags. */
export const subjects = (html: string): string[] =>
  [...html.matchAll(/<a class="title-link"[^>]*>([^<]*)<\/a>/g)].map(([, text = '']) => text);

/** The address behind a link's text, empty when there is none. */
export const linkTo = (html: string, text: string): string =>
  new RegExp(`href="([^"]*)"[^>]*>${text}<`).exec(html)?.[1]?.replaceAll('&amp;', '&') ?? '';
