// Looks at the objects of a push while git still keeps them in quarantine (git-receive-pack(1)). Output is
// read as a stream and every walk has a bound, because the objects come from whoever pushes.
import { createInterface } from 'node:readline';
import { listLoose, readLoose } from './loose.ts';
import { GitError, type Git } from './run.ts';
import { measureTrees, type TreeExtent, type Trees } from './tree-extent.ts';

/**
 * Of a history with more trees than this, those of its heads are measured and only so many of the others: to read all
 * of them takes as long as git takes for the whole push, and what pages and checkouts start has limits of its own.
 */
const maxTrees = 10_000;
/** Git keeps a push of fewer objects than this as loose ones (receive.unpackLimit). */
const maxLooseObjects = 100;
const maxObjectBytes = 16 * 1024 * 1024;

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

/** What a push brought, as far as the limits ask for it. */
export interface Survey {
  /** The files over `maxBytes`, at most `limit` of them. */
  large: LargeBlob[];
  /** The extent of the largest and of the deepest tree. */
  extent: TreeExtent;
}

/** Looks through the pushed objects for files that are too large and for the extent of the trees. */
export async function surveyPush(
  git: Git,
  incoming: Incoming,
  options: { maxBytes: number; limit: number },
): Promise<Survey> {
  const { large, trees } =
    (await listSmallPush(incoming, options)) ?? (await listPush(git, incoming, options));
  if (large.size > 0) await nameBlobs(git, incoming, large);
  const store = { repo: incoming.repo, env: quarantineEnvironment(incoming) };
  return { large: [...large.values()], extent: await measureTrees(git, store, trees) };
}

interface Listing {
  large: Map<string, LargeBlob>;
  trees: Trees;
}

/** A push of a few objects lies in loose files; undefined when there are packs, or it looks unusual. */
async function listSmallPush(
  { quarantine, heads }: Incoming,
  options: { maxBytes: number; limit: number },
): Promise<Listing | undefined> {
  const oids = listLoose(quarantine, maxLooseObjects);
  if (oids === undefined) return undefined;
  const large = new Map<string, LargeBlob>();
  const names: string[] = [];
  const contents = new Map<string, Buffer>();
  const isPushed = new Set(oids);
  for (const oid of oids) {
    const object = await readLoose(quarantine, { oid, maxBytes: maxObjectBytes, except: 'blob' });
    if (object === undefined) return undefined;
    const { type, size, content } = object;
    if (type === 'tree' && content !== undefined) contents.set(oid, content);
    else if (type === 'tree') names.push(oid);
    else if (type === 'commit' && content !== undefined) names.push(content.toString('latin1', 5, 45));
    else if (type === 'blob' && size > options.maxBytes && large.size < options.limit) {
      large.set(oid, { oid, size, path: undefined });
    }
  }
  const older = heads.filter((head) => !isPushed.has(head)).map((head) => `${head}^{tree}`);
  return { large, trees: { names: [...older, ...names.filter((name) => !contents.has(name))], contents } };
}

async function listPush(
  git: Git,
  { repo, quarantine, heads }: Incoming,
  options: { maxBytes: number; limit: number },
): Promise<Listing> {
  const large = new Map<string, LargeBlob>();
  const names = heads.map((head) => `${head}^{tree}`);
  // Without the repository as an alternate, only what was pushed is listed: no walk of the history is needed.
  const format = '--batch-check=%(objectname) %(objecttype) %(objectsize)';
  const listing = ['cat-file', '--batch-all-objects', '--unordered', format];
  await eachLine(git, { args: listing, repo, env: { GIT_OBJECT_DIRECTORY: quarantine } }, (line) => {
    const [oid = '', type, size] = line.split(' ');
    if (type === 'tree' && names.length < maxTrees) names.push(oid);
    if (type === 'blob' && Number(size) > options.maxBytes) {
      large.set(oid, { oid, size: Number(size), path: undefined });
    }
    return large.size < options.limit;
  });
  return { large, trees: { names } };
}

async function nameBlobs(git: Git, incoming: Incoming, blobs: ReadonlyMap<string, LargeBlob>): Promise<void> {
  const args = ['rev-list', '--objects', '--stdin', '--not', '--all'];
  const walk = { args, repo: incoming.repo, env: quarantineEnvironment(incoming), input: incoming.heads };
  let unnamed = blobs.size;
  await eachLine(git, walk, (line) => {
    const blob = blobs.get(line.slice(0, 40));
    if (blob !== undefined && blob.path === undefined) {
      blob.path = line.slice(41);
      unnamed -= 1;
    }
    return unnamed > 0;
  });
}

/** A pushed folder whose files lie more than `maxDepth` names deep, or undefined. */
export async function findDeepPath(
  git: Git,
  incoming: Incoming,
  maxDepth: number,
): Promise<string | undefined> {
  let deep: string | undefined;
  const args = ['rev-list', '--objects', '--filter=blob:none', '--stdin', '--not', '--all'];
  const walk = { args, repo: incoming.repo, env: quarantineEnvironment(incoming), input: incoming.heads };
  await eachLine(git, walk, (line) => {
    const path = line.slice(41);
    if (path === '') return true;
    if (path.split('/', maxDepth).length >= maxDepth) deep = path;
    return deep === undefined;
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
