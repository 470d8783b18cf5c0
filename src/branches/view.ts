import type { Forge } from '../forge/open.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { branchUrl } from '../repos/urls.ts';
import { iso } from '../web/filters.ts';
import type { Branch, BranchView } from './model.ts';

/** A branch as the API shows it. */
export const branchViewOf = (forge: Forge, repo: Repo, branch: Branch): BranchView => ({
  repo: fullName(repo),
  number: branch.number,
  name: branch.name,
  target: branch.target,
  title: branch.title,
  author: branch.authorName ?? null,
  state: branch.state,
  head: branch.headOid,
  revision: branch.revision,
  mergeCommit: branch.mergeOid ?? null,
  updatedAt: iso(branch.updatedAt),
  url: branchUrl(forge, repo, branch.number),
});
