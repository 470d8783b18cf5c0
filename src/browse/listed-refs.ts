import type { Forge } from '../forge/open.ts';
import type { Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';

const maxNames = 200;

/** Names of branches, then of tags, for a reader to choose from; the first of them where there are many. */
export async function listedRefs(forge: Forge, repo: Repo): Promise<string[]> {
  const args = ['for-each-ref', `--count=${maxNames}`, '--format=%(refname:lstrip=2)'];
  const text = await forge.git.text([...args, 'refs/heads/', 'refs/tags/'], {
    repo: repoPath(forge, repo.id),
  });
  return text.split('\n').filter((name) => name !== '');
}
