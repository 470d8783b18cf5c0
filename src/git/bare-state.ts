// Whether a bare repository still is what `createBareRepo` made of it, beside its objects and refs. Its own
// configuration wins over the forge's, so whatever it sets may switch off a rule of the forge.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createBareRepo, readHead } from './bare-repo.ts';
import { GitError, type Git } from './run.ts';

/** Whether git takes the folder for a repository at all. */
export async function isBareRepo(git: Git, path: string): Promise<boolean> {
  const { exitCode } = await git.run(['rev-parse', '--is-bare-repository'], { repo: path, accept: [128] });
  return exitCode === 0;
}

/** What `git init` writes, and may write on other systems. */
const ownSettings: Record<string, RegExp> = {
  'core.repositoryformatversion': /^0$/,
  'core.bare': /^true$/,
  'core.filemode': /^(?:true|false)$/,
  'core.ignorecase': /^(?:true|false)$/,
  'core.symlinks': /^(?:true|false)$/,
  'core.precomposeunicode': /^(?:true|false)$/,
};

/** `key=value` of what the repository's own configuration sets beside that; undefined when git cannot read it. */
export async function listForeignSettings(git: Git, path: string): Promise<string[] | undefined> {
  try {
    const text = await git.text(['config', '--file', join(path, 'config'), '--null', '--list']);
    const settings = text.split('\0').filter((setting) => setting !== '');
    return settings
      .map((setting) => setting.replace('\n', '='))
      .filter((setting) => {
        const [key = ''] = setting.split('=', 1);
        return ownSettings[key]?.test(setting.slice(key.length + 1)) !== true;
      });
  } catch (error) {
    if (error instanceof GitError) return undefined;
    throw error;
  }
}

/** Gives the repository a configuration as new, and the folders and the HEAD that it misses. Objects and refs stay. */
export async function restoreBareRepo(git: Git, path: string, defaultBranch: string): Promise<void> {
  await rm(join(path, 'config'), { force: true });
  const head = await readHead(path).catch(() => undefined);
  if (head === undefined) await rm(join(path, 'HEAD'), { force: true });
  await createBareRepo(git, path, defaultBranch);
}
