// The content of every small file that some commits bring, whatever their paths: one git lists, another reads what it lists.
import { ForgeError } from '../lib/errors.ts';
import { ByteReader } from './byte-reader.ts';
import { damageOr } from './read-up-to.ts';
import { GitError, type Git } from './run.ts';
import type { RunningGit } from './spawner.ts';

export interface SmallBlobs {
  /** The bare repository's folder. */
  repo: string;
  /** Object ids: what these lead to is read. */
  wanted: readonly string[];
  /** What these lead to is not; those that the repository does not have are passed over. */
  known: readonly string[];
  /** Blobs of so many bytes, and larger ones, are left out. */
  belowBytes: number;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

const listArguments = [
  'rev-list',
  '--objects',
  '--no-object-names',
  '--use-bitmap-index',
  '--ignore-missing',
  '--filter=object:type=blob',
  // A tag may name a blob of any size, which would be listed as what was asked for.
  '--filter-provided-objects',
  '--stdin',
];
/** No object has it, and git says so: that is the last answer. */
const endMark = '0'.repeat(40);

/** Refuses (`limited`) when it takes longer than `timeoutMs`, and throws the signal's reason when it is aborted. */
export async function eachSmallBlob(
  git: Git,
  source: SmallBlobs,
  take: (content: Buffer) => void,
): Promise<void> {
  const { repo, wanted, known, belowBytes, timeoutMs, signal } = source;
  signal?.throwIfAborted();
  const place = { repo, detached: true, endsWithForge: true };
  const lister = git.spawn([...listArguments, `--filter=blob:limit=${belowBytes}`], place);
  const reader = git.spawn(['cat-file', '--batch', '--buffer'], place);
  let why: unknown;
  const stop = (reason: unknown): void => {
    why ??= reason;
    for (const child of [lister, reader]) child.kill('SIGKILL');
  };
  const ended = Promise.all([endOf(lister), endOf(reader)]);
  ended.catch(() => undefined);
  const onAbort = (): void => stop(signal?.reason);
  signal?.addEventListener('abort', onAbort);
  const tooLong = new ForgeError('limited', 'git took too long to read the new files and was stopped.');
  const timer = setTimeout(() => stop(tooLong), timeoutMs);
  try {
    lister.stdout.pipe(reader.stdin, { end: false });
    lister.stdout.once('end', () => reader.stdin.end(`${endMark}\n`));
    lister.stdin.end([...wanted, ...known.map((oid) => `^${oid}`), ''].join('\n'));
    await readBlobs(new ByteReader(reader.stdout), take);
  } catch (error) {
    stop(error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
  const [listed] = await ended;
  // When the one that lists fails by itself, what became of the other comes of it.
  if ((listed.code ?? 0) !== 0)
    throw damageOr(new GitError(['rev-list'], listed.code ?? undefined, listed.said));
  if (why !== undefined) throw why;
}

async function readBlobs(answers: ByteReader, take: (content: Buffer) => void): Promise<void> {
  for (;;) {
    const line = answers.takeLine() ?? (await answers.readLine());
    if (line.startsWith(endMark)) return;
    const [, type, size] = /^[0-9a-f]{40} ([a-z]+) (\d+)$/.exec(line) ?? [];
    if (type === undefined) continue;
    const bytes = Number(size);
    const content = answers.takeBytes(bytes + 1) ?? (await answers.readBytes(bytes + 1));
    if (type === 'blob') take(content.subarray(0, bytes));
  }
}

interface Ended {
  code: number | null;
  said: string;
}

function endOf(child: RunningGit): Promise<Ended> {
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-4096)));
  child.stdin.on('error', () => undefined);
  child.on('error', reject);
  child.on('close', (code) => resolve({ code, said }));
  return promise;
}
