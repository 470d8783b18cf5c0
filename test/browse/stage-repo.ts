// A repository whose trees are made by hand, so that they can hold what no checkout would.
import type { Account } from '../../src/accounts/model.ts';
import type { Repo } from '../../src/repos/model.ts';
import type { TestForge } from '../support/forge.ts';
import { pushFiles, type Files } from '../support/push-files.ts';
import { serveBrowse, type Ask, type ServedPages } from './serve-browse.ts';

export interface StagedFiles {
  it: TestForge;
  repo: Repo;
  /** The bare repository's folder. */
  folder: string;
  account: Account;
  served: ServedPages;
  /** Asks as the owner. */
  ask: Ask;
  /** The JSON that the API answers the owner with. */
  api: (path: string) => Promise<Record<string, unknown>>;
  /** git in the bare repository. */
  text: (...args: string[]) => Promise<string>;
  write: (content: string | Buffer) => Promise<string>;
  /** A new commit on a branch, made of entries as `git mktree` reads them; answers its object id. */
  commitTree: (branch: string, entries: readonly Entry[]) => Promise<string>;
  commit: (branch: string, files: Files, message?: string) => Promise<string>;
}

export interface Entry {
  mode: string;
  name: string | Buffer;
  oid: string;
}

/** `ada/app` of its owner, private, with `files` on main. */
export async function stageFiles(it: TestForge, files?: Files): Promise<StagedFiles> {
  const { account } = it.account('ada');
  const repo = await it.repo('ada/app', files === undefined ? {} : { files });
  const folder = it.repoFolder(repo);
  const { git } = it.forge;
  const served = await serveBrowse(it);
  const ask = served.as(account);
  const text = (...args: string[]) => git.text(args, { repo: folder });
  const write = (input: string | Buffer) =>
    git.text(['hash-object', '-w', '--stdin'], { repo: folder, input });
  return {
    it,
    repo,
    folder,
    account,
    served,
    ask,
    api: async (path) => JSON.parse((await ask(`/api/v1/repos${path}`)).text) as Record<string, unknown>,
    text,
    write,
    commitTree: async (branch, entries) => {
      const lines = entries.map(({ mode, name, oid }) => {
        const type = { '160000': 'commit', '040000': 'tree' }[mode] ?? 'blob';
        return Buffer.concat([Buffer.from(`${mode} ${type} ${oid}\t`), Buffer.from(name), Buffer.from([0])]);
      });
      const input = Buffer.concat(lines);
      const tree = await git.text(['mktree', '-z', '--missing'], { repo: folder, input });
      const oid = await git.text(['commit-tree', '-m', `Make ${branch}`, tree], { repo: folder });
      await text('update-ref', `refs/heads/${branch}`, oid);
      return oid;
    },
    commit: (branch, changed, message) =>
      pushFiles(git, { repo: folder, branch, files: changed, ...(message && { message }) }),
  };
}
