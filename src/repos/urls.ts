// The addresses people see, absolute, built from the public origin.
import { bracketed, publicOrigin, sshAddress, type Forge } from '../forge/open.ts';
import type { Repo } from './model.ts';

type Named = Pick<Repo, 'owner' | 'name'>;

export function repoUrls(forge: Forge, repo: Named): { page: string; http: string; ssh: string } {
  const page = `${publicOrigin(forge.config)}/${repo.owner}/${repo.name}`;
  const { host, port } = sshAddress(forge.config);
  return {
    page,
    http: `${page}.git`,
    ssh: `ssh://git@${bracketed(host)}${port === 22 ? '' : `:${port}`}/${repo.owner}/${repo.name}.git`,
  };
}

export const branchUrl = (forge: Forge, repo: Named, number: number): string =>
  `${repoUrls(forge, repo).page}/branches/${number}`;

export const runUrl = (forge: Forge, repo: Named, number: number): string =>
  `${repoUrls(forge, repo).page}/runs/${number}`;
