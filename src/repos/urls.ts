// The addresses people see, absolute, built from the public origin.
import { publicOrigin, type Forge } from '../forge/open.ts';
import type { Repo } from './model.ts';

type Named = Pick<Repo, 'owner' | 'name'>;

/** Host and port to reach the SSH server at: that of the public URL, unless it listens on another one. */
export function sshAddress(forge: Forge): { host: string; port: number } {
  const { host, port } = forge.config.ssh;
  const isEverywhere = host === '0.0.0.0' || host === '::';
  return { host: isEverywhere ? new URL(publicOrigin(forge.config)).hostname : host, port };
}

export function repoUrls(forge: Forge, repo: Named): { page: string; http: string; ssh: string } {
  const page = `${publicOrigin(forge.config)}/${repo.owner}/${repo.name}`;
  const { host, port } = sshAddress(forge);
  const shown = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return {
    page,
    http: `${page}.git`,
    ssh: `ssh://git@${shown}${port === 22 ? '' : `:${port}`}/${repo.owner}/${repo.name}.git`,
  };
}

export const branchUrl = (forge: Forge, repo: Named, number: number): string =>
  `${repoUrls(forge, repo).page}/branches/${number}`;

export const runUrl = (forge: Forge, repo: Named, number: number): string =>
  `${repoUrls(forge, repo).page}/runs/${number}`;
