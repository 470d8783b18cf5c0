import type { RepoNames } from '../accounts/repo-names.ts';
import type { Forge } from '../forge/open.ts';
import { findRepo, getRepo } from './find.ts';
import { fullName } from './model.ts';
import { noSuchRepo, requireRight } from './rights.ts';

/** How accounts name the repositories that a credential is good for. */
export const repoNames = (forge: Forge): RepoNames => ({
  idOf: (caller, text) => {
    const [owner = '', name = ''] = text
      .trim()
      .replace(/\.git$/, '')
      .split('/', 2);
    const repo = findRepo(forge, owner, name);
    if (repo === undefined) throw noSuchRepo(text.trim(), caller);
    requireRight(forge, caller, { repo, right: 'read' });
    return repo.id;
  },
  nameOf: (id) => fullName(getRepo(forge, id)),
});
