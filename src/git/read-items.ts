// What git prints, item by item as it comes; git is ended as soon as the reader has enough. For answers whose end is
// not wanted, or may never come.
import { GitError, readMemoryBytes, type Git } from './run.ts';
import type { GitPath } from './git-path.ts';
import { damageOr } from './read-up-to.ts';

export interface ItemSource {
  /** The bare repository's folder. */
  repo: string;
  args: readonly string[];
  /** Becomes the last argument, byte by byte. */
  path?: GitPath | undefined;
  /** Exit codes that are an answer and not a fault; 0 always is one. */
  accept?: readonly number[];
  maxBytes: number;
  maxMs: number;
  signal?: AbortSignal | undefined;
}

/** How the reading ended: git said everything, the reader had enough, or a limit was reached (of memory: `time`). */
export type ItemsEnd = 'whole' | 'enough' | 'bytes' | 'time';

/**
 * Calls `take` with every piece between two NULs, as text in latin1, until it answers false.
 * Throws `GitError` when git fails, refuses (`unavailable`) when that is because objects are missing or damaged, and
 * throws the signal's reason when it is aborted.
 */
export async function readItems(
  git: Git,
  source: ItemSource,
  take: (item: string) => boolean,
): Promise<ItemsEnd> {
  const child = git.spawn(source.args, {
    repo: source.repo,
    path: source.path,
    maxMemoryBytes: readMemoryBytes,
  });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  let end: ItemsEnd = 'whole';
  const stop = (why: ItemsEnd) => {
    if (end === 'whole') end = why;
    child.kill('SIGKILL');
  };
  const timer = setTimeout(() => stop('time'), source.maxMs);
  const abort = () => stop('enough');
  source.signal?.addEventListener('abort', abort);
  if (source.signal?.aborted === true) abort();
  let rest = '';
  let bytes = 0;
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    if (end !== 'whole') return;
    bytes += chunk.length;
    const pieces = (rest + chunk.toString('latin1')).split('\0');
    rest = pieces.pop() ?? '';
    if (!pieces.every((piece) => take(piece))) stop('enough');
    else if (bytes > source.maxBytes) stop('bytes');
  });
  child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString('utf8')).slice(-4096)));
  child.stdin.on('error', () => undefined);
  child.stdin.end();
  child.on('error', reject);
  child.on('close', resolve);
  try {
    const code = await promise;
    source.signal?.throwIfAborted();
    if (end === 'whole' && rest !== '' && !take(rest)) end = 'enough';
    const isFault = code !== 0 && !(code !== null && source.accept?.includes(code));
    if (end === 'whole' && isFault) {
      const error = new GitError(source.args, code ?? undefined, stderr);
      if (!error.wantedMemory) throw damageOr(error);
      end = 'time';
    }
  } finally {
    clearTimeout(timer);
    source.signal?.removeEventListener('abort', abort);
  }
  return end;
}
