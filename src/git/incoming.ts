// Looks at the objects of a push while git still keeps them in quarantine (git-receive-pack(1)). Output is
// read as a stream and every walk has a bound, because the objects come from whoever pushes.
import { createInterface } from 'node:readline';
import { GitError, type Git } from './run.ts';

/** More trees than this are not asked for their depth; a history of that size is no attack on a path. */
const maxTrees = 1_000_000;

export interface Incoming {
  /** The bare repository, as an absolute path. */
  repo: string;
  /** GIT_QUARANTINE_PATH of the hook. */
  quarantine: string;
  /** The new sides of the pushed refs. */
  heads: readonly string[];
}

export interface LargeBlob {
  oid: string;
  size: number;
  /** One path it stands at; undefined when no pushed commit names it. */
  path: string | undefined;
}

/** The environment in which git sees the pushed objects beside the repository's own. */
export const quarantineEnvironment = ({ repo, quarantine }: Pick<Incoming, 'repo' | 'quarantine'>) => ({
  GIT_OBJECT_DIRECTORY: quarantine,
  GIT_ALTERNATE_OBJECT_DIRECTORIES: `${repo}/objects`,
});

/** The pushed files of more than `maxBytes`, at most `limit` of them. */
export async function listLargeBlobs(
  git: Git,
  incoming: Incoming,
  options: { maxBytes: number; limit: number },
): Promise<LargeBlob[]> {
  const { repo, quarantine, heads } = incoming;
  const found = new Map<string, LargeBlob>();
  // Without the repository as an alternate, only what was pushed is listed: no walk of the history is needed.
  const format = '--batch-check=%(objectname) %(objecttype) %(objectsize)';
  const listing = ['cat-file', '--batch-all-objects', '--unordered', format];
  await eachLine(git, { args: listing, repo, env: { GIT_OBJECT_DIRECTORY: quarantine } }, (line) => {
    const [oid = '', type, size] = line.split(' ');
    if (type === 'blob' && Number(size) > options.maxBytes) {
      found.set(oid, { oid, size: Number(size), path: undefined });
    }
    return found.size < options.limit;
  });
  if (found.size === 0) return [];
  const naming = ['rev-list', '--objects', '--stdin', '--not', '--all'];
  let unnamed = found.size;
  await eachLine(git, { args: naming, repo, env: quarantineEnvironment(incoming), input: heads }, (line) => {
    const blob = found.get(line.slice(0, 40));
    if (blob !== undefined && blob.path === undefined) {
      blob.path = line.slice(41);
      unnamed -= 1;
    }
    return unnamed > 0;
  });
  return [...found.values()];
}

/** A pushed folder whose files lie more than `maxDepth` names deep, or undefined. */
export async function findDeepPath(
  git: Git,
  incoming: Incoming,
  maxDepth: number,
): Promise<string | undefined> {
  let deep: string | undefined;
  let trees = 0;
  const args = ['rev-list', '--objects', '--filter=blob:none', '--stdin', '--not', '--all'];
  const walk = { args, repo: incoming.repo, env: quarantineEnvironment(incoming), input: incoming.heads };
  await eachLine(git, walk, (line) => {
    const path = line.slice(41);
    if (path === '') return true;
    if (path.split('/', maxDepth).length >= maxDepth) deep = path;
    trees += 1;
    return deep === undefined && trees < maxTrees;
  });
  return deep;
}

/** Whether a pushed commit contains the one that its ref stood at, so that the push loses nothing. */
export async function isFastForward(
  git: Git,
  incoming: Omit<Incoming, 'heads'>,
  move: { oldOid: string; newOid: string },
): Promise<boolean> {
  const { exitCode } = await git.run(['merge-base', '--is-ancestor', move.oldOid, move.newOid], {
    repo: incoming.repo,
    env: quarantineEnvironment(incoming),
    accept: [1],
  });
  return exitCode === 0;
}

interface Walk {
  args: readonly string[];
  repo: string;
  env: Record<string, string>;
  input?: readonly string[];
}

/** Calls `onLine` until it answers false or git ends. */
async function eachLine(git: Git, walk: Walk, onLine: (line: string) => boolean): Promise<void> {
  const child = git.spawn(walk.args, { repo: walk.repo, env: walk.env });
  const ended = Promise.withResolvers<number | null>();
  let complaint = '';
  child.on('error', ended.reject);
  child.on('close', (code) => ended.resolve(code));
  child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-4096)));
  child.stdin.on('error', () => undefined);
  child.stdin.end((walk.input ?? []).map((line) => `${line}\n`).join(''));
  const lines = createInterface({ input: child.stdout, crlfDelay: Infinity });
  let wantsMore = true;
  for await (const line of lines) {
    wantsMore = onLine(line);
    if (!wantsMore) break;
  }
  if (!wantsMore) child.kill('SIGKILL');
  const code = await ended.promise;
  if (wantsMore && code !== 0) throw new GitError(walk.args, code ?? undefined, complaint);
}
