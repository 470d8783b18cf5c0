// The git checkout as a lane would find it: what its files are, and what they change against the branch they will land on.
import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';
import { commitOf, readCheckout } from './checkout.ts';
import { notFound } from './failure.ts';

const maxBytes = 256 * 1024 * 1024;
const usualTargets = ['main', 'master', 'trunk', 'develop'];

export interface Target {
  /** Without refs/…, as on the forge. */
  name: string;
  oid: string;
  /** The merge base with HEAD; undefined when the histories share nothing. */
  base: string | undefined;
}

export interface WorkingTree {
  /** Its top folder. */
  top: string;
  branch: string | undefined;
  head: string | undefined;
  /** `owner/name`, as a remote says it, or the name of the folder. */
  name: string;
  target: Target | undefined;
}

/** `wanted` names the target; without it, it is what the remote calls its HEAD, or one of the usual names. */
export function readWorkingTree(wanted: string | undefined): WorkingTree {
  const top = ask(['rev-parse', '--show-toplevel']);
  const checkout = readCheckout();
  if (top === undefined || checkout === undefined) {
    throw notFound('There is no git checkout here; ph run runs the lanes of one.');
  }
  const address = checkout.remotes[0]?.address;
  const { branch, head } = checkout;
  const name = address === undefined ? `local/${basename(top)}` : `${address.owner}/${address.repo}`;
  const found = findTarget(branch, wanted);
  if (found === undefined && wanted !== undefined) {
    throw notFound(`There is no branch ${wanted} here, nor at a remote. Fetch it first: git fetch`);
  }
  const base = found && head && ask(['merge-base', head, found.oid]);
  return { top, branch, head, name, target: found && { ...found, base: base || undefined } };
}

function findTarget(
  branch: string | undefined,
  wanted: string | undefined,
): Omit<Target, 'base'> | undefined {
  const remotes = remoteNames(branch);
  const named = remotes.flatMap((remote) => {
    const ref = ask(['symbolic-ref', '--quiet', `refs/remotes/${remote}/HEAD`]);
    return ref === undefined ? [] : [ref.slice(`refs/remotes/${remote}/`.length)];
  });
  for (const name of wanted === undefined ? [...named, ...usualTargets] : [wanted]) {
    // What the remote has counts; a branch of that name that is only here may be anywhere.
    const refs = [...remotes.map((remote) => `refs/remotes/${remote}/${name}`), `refs/heads/${name}`];
    const oid = refs.map((ref) => commitOf(ref)).find((found) => found !== undefined);
    if (oid !== undefined) return { name, oid };
  }
  return undefined;
}

/** The one the branch pushes to first, then `origin`, then the others. */
function remoteNames(branch: string | undefined): string[] {
  const keys = branch === undefined ? [] : [`branch.${branch}.pushRemote`, `branch.${branch}.remote`];
  const preferred = [...keys.map((key) => ask(['config', '--get', key])), 'origin'];
  const known = (ask(['remote']) ?? '').split('\n').filter((name) => name !== '');
  return [
    ...new Set([...preferred.filter((name) => name !== undefined && known.includes(name)), ...known]),
  ].filter((name) => name !== undefined);
}

/** What differs from a commit, committed or not, new files among it; undefined when git cannot tell. */
export function changedSince(top: string, base: string | undefined): string[] | undefined {
  if (base === undefined) return undefined;
  const changed = list(['diff', '--name-only', '-z', '--no-renames', '--no-ext-diff', base, '--'], top);
  const added = list(['ls-files', '-z', '--others', '--exclude-standard'], top);
  return changed && added && [...new Set([...changed, ...added])];
}

/** Every file of the working tree that is not ignored. */
export const listFiles = (top: string): string[] =>
  list(['ls-files', '-z', '--cached', '--others', '--exclude-standard'], top) ?? [];

/** The text of a file at a commit. */
export const readAt = (top: string, oid: string, path: string): string | undefined =>
  ask(['cat-file', 'blob', `${oid}:${path}`], top);

const list = (args: readonly string[], folder: string): string[] | undefined =>
  ask(args, folder)
    ?.split('\0')
    .filter((path) => path !== '');

function ask(args: readonly string[], folder = process.cwd()): string | undefined {
  const { status, stdout } = spawnSync('git', args, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: maxBytes,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return status === 0 ? stdout.replace(/\n$/, '') : undefined;
}
