// Brings what a lane needs from the forge: its commit with the history, and the caches that are kept there.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { Git, GitError } from '../../../git/run.ts';
import { removeTree } from '../../../lib/remove-tree.ts';
import { cacheEntryName } from '../../lanes/cache-place.ts';
import { cookieName } from '../../lanes/survivors.ts';
import { unpackTree, type TarTools } from '../tar-tree.ts';
import type { ForgeLink } from './forge-link.ts';

const gitLimits = { maxPushBytes: 1, gitSeconds: 3600 };
const missing = 404;

export interface Bringing {
  link: ForgeLink;
  signal: AbortSignal;
  searchPath: string;
  /** As of every program of the lane, so that git is found and ended with it. */
  cookie: string;
}

/** Makes a bare repository in `folder` that has the commit and all that it reaches. */
export async function bringCommit(folder: string, given: Bringing): Promise<void> {
  const { link, signal, searchPath, cookie } = given;
  for (let triesLeft = 3; ; triesLeft -= 1) {
    await removeTree(folder);
    for (const path of ['objects/info', 'objects/pack', 'refs'])
      mkdirSync(join(folder, path), { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, 'HEAD'), 'ref: refs/heads/none\n');
    writeFileSync(join(folder, 'config'), '[core]\n\trepositoryformatversion = 0\n\tbare = true\n');
    const git = new Git({ home: join(folder, 'home'), searchPath, limits: gitLimits });
    const response = await link.ask('pack', { method: 'GET', signal }, asItIs);
    try {
      await indexPack(git, { folder, cookie, body: bodyOf(response), signal });
      return;
    } catch (error) {
      // A forge that was stopped while it sent has cut it off.
      if (triesLeft <= 1 || signal.aborted) throw error;
    }
  }
}

async function indexPack(
  git: Git,
  pack: { folder: string; cookie: string; body: Readable; signal: AbortSignal },
): Promise<void> {
  const args = ['index-pack', '--stdin'];
  const child = git.spawn(args, { repo: pack.folder, env: { [cookieName]: pack.cookie } });
  let complaint = '';
  child.stdout.resume();
  child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-2000)));
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', resolve);
    child.on('error', () => resolve(null));
  });
  const stop = () => void child.kill('SIGKILL');
  pack.signal.addEventListener('abort', stop);
  try {
    const sent = await pipeline(pack.body, child.stdin).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (sent !== undefined) stop();
    const status = await ended;
    if (status !== 0) throw new GitError(args, status ?? undefined, complaint || String(sent));
  } finally {
    pack.signal.removeEventListener('abort', stop);
  }
}

/** Puts the entry of a cache down below `folder` as the forge has it: in a folder of its scope. Nothing when there is none. */
export async function bringCache(
  wanted: {
    key: string;
    paths: readonly string[];
    folder: string;
    scopes: readonly string[];
    maxBytes: number;
  },
  given: Bringing,
): Promise<void> {
  const { link, signal, searchPath, cookie } = given;
  const { key, paths, folder, scopes, maxBytes } = wanted;
  const query = { key, paths: JSON.stringify(paths) };
  const response = await link.ask('caches', { method: 'GET', query, accept: [missing], signal }, asItIs);
  const scope = response.headers.get('x-cache-scope') ?? '';
  if (response.status === missing || !scopes.includes(scope)) {
    await response.body?.cancel();
    return;
  }
  const tools: TarTools = { searchPath, env: { [cookieName]: cookie } };
  const target = { folder: join(folder, scope, cacheEntryName(key)), maxBytes: 2 * maxBytes };
  // What cannot be brought is a miss.
  await unpackTree(bodyOf(response), target, tools).catch(() => undefined);
}

/** The body is read as it comes. */
const asItIs = (response: Response): Response => response;

function bodyOf({ body }: Response): Readable {
  return body === null ? Readable.from([]) : Readable.fromWeb(body as ReadableStream<Uint8Array>);
}
