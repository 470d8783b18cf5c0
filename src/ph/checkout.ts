// What the local git checkout says: its branch, its commits, and which forge and repository its remotes name.
import { spawnSync } from 'node:child_process';
import { wrongUse } from './failure.ts';

export interface Remote {
  name: string;
  address: Address;
}

/** A remote's address, taken apart. `origin` is known for the web alone; ssh names a host and a port. */
export type Address =
  | { kind: 'http'; origin: string; owner: string; repo: string }
  | { kind: 'ssh'; host: string; port: number; user: string; owner: string; repo: string };

export interface Checkout {
  /** Without refs/heads/; undefined on a detached HEAD. */
  branch: string | undefined;
  /** The commit of HEAD; undefined before the first commit. */
  head: string | undefined;
  /** The one that the branch pushes to first, then `origin`, then the others. */
  remotes: Remote[];
}

/** The checkout around `folder`, or undefined when there is none (or no git). */
export function readCheckout(folder = process.cwd()): Checkout | undefined {
  if (ask(['rev-parse', '--git-dir'], folder) === undefined) return undefined;
  const ref = ask(['symbolic-ref', '--quiet', 'HEAD'], folder);
  const branch = ref?.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : undefined;
  return { branch, head: commitOf('HEAD', folder), remotes: listRemotes(branch, folder) };
}

/** The commit of a local branch, undefined when there is no such branch here. */
export const localHead = (branch: string, folder = process.cwd()): string | undefined =>
  commitOf(`refs/heads/${branch}`, folder);

/** The full object id of a commit that somebody named (abbreviated or by a ref). */
export function commitOf(name: string, folder = process.cwd()): string | undefined {
  return ask(['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`], folder);
}

/** Adds a remote; refuses (2) outside of a checkout and where the name is taken. */
export function addRemote(name: string, url: string, folder = process.cwd()): void {
  const { status, stderr } = spawnSync('git', ['remote', 'add', '--', name, url], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (status !== 0)
    throw wrongUse(
      `The remote ${name} was not added: ${stderr.trim()}. Add it: git remote add ${name} ${url}`,
    );
}

function listRemotes(branch: string | undefined, folder: string): Remote[] {
  const remotes = new Map<string, Remote>();
  // `git remote -v` applies insteadOf; the push address comes second and is the one that counts.
  for (const line of (ask(['remote', '-v'], folder) ?? '').split('\n')) {
    const [name = '', rest = ''] = line.split('\t', 2);
    const address = parseAddress(rest.replace(/ \((?:fetch|push)\)(?: \[.*\])?$/, ''));
    if (address !== undefined) remotes.set(name, { name, address });
  }
  const wanted = branch === undefined ? [] : [`branch.${branch}.pushRemote`, `branch.${branch}.remote`];
  const preferred = wanted.map((key) => ask(['config', '--get', key], folder));
  const first = [...preferred, 'origin'].flatMap((name) => remotes.get(name ?? '') ?? []);
  return [...new Set([...first, ...remotes.values()])];
}

/** Understands `https://host/owner/repo.git`, `ssh://user@host:port/owner/repo.git` and `user@host:owner/repo.git`. */
export function parseAddress(text: string): Address | undefined {
  const scp = /^(?:([^@/\s]+)@)?([^:/\s]+|\[[^\]]+\]):(?!\/\/)(.+)$/.exec(text);
  if (!text.includes('://') && scp) {
    const [, user = 'git', host = '', path = ''] = scp;
    const names = namesIn(path);
    return names && { kind: 'ssh', host: bare(host), port: 22, user, ...names };
  }
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const names = namesIn(url.pathname);
  if (names === undefined) return undefined;
  if (url.protocol === 'http:' || url.protocol === 'https:') {
    return { kind: 'http', origin: url.origin, ...names };
  }
  if (url.protocol !== 'ssh:' && url.protocol !== 'git+ssh:') return undefined;
  const port = url.port === '' ? 22 : Number(url.port);
  return { kind: 'ssh', host: bare(url.hostname), port, user: url.username || 'git', ...names };
}

function namesIn(path: string): { owner: string; repo: string } | undefined {
  const match = /^\/?([^/]+)\/([^/]+?)(?:\.git)?\/?$/.exec(path);
  return match?.[1] && match[2] ? { owner: match[1], repo: match[2] } : undefined;
}

/** The same machine under its usual names: brackets, case and `localhost` do not matter. */
export function bare(host: string): string {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase();
  return name === 'localhost' || name === '::1' ? '127.0.0.1' : name;
}

function ask(args: readonly string[], folder: string): string | undefined {
  const { status, stdout } = spawnSync('git', args, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return status === 0 ? stdout.replace(/\n$/, '') : undefined;
}
