// What git prints, up to a limit of bytes and of time: enough for a page, of an answer that may have no end.
import { ForgeError } from '../lib/errors.ts';
import type { GitPath } from './git-path.ts';
import { GitError, readMemoryBytes, type Git } from './run.ts';

export interface UpTo {
  /** The bare repository's folder. */
  repo: string;
  /** Becomes the last argument, byte by byte. */
  path?: GitPath | undefined;
  maxBytes: number;
  maxMs: number;
}

export interface OutputStart {
  bytes: Buffer;
  /** False when git was stopped at a limit; the last entry may then be cut off. */
  isWhole: boolean;
}

/**
 * The start of what git prints, until it has said too much, taken too long or wanted too much memory. Throws
 * `GitError` when git fails, and refuses (`unavailable`) when that is because objects are missing or damaged.
 */
export async function readUpTo(git: Git, args: readonly string[], limits: UpTo): Promise<OutputStart> {
  const child = git.spawn(args, {
    repo: limits.repo,
    path: limits.path,
    maxMemoryBytes: readMemoryBytes,
  });
  const chunks: Buffer[] = [];
  let count = 0;
  let isWhole = true;
  let stderr = '';
  const stop = () => {
    isWhole = false;
    child.kill('SIGKILL');
  };
  const timer = setTimeout(stop, limits.maxMs);
  child.stdout.on('data', (chunk: Buffer) => {
    if (count < limits.maxBytes) chunks.push(chunk.subarray(0, limits.maxBytes - count));
    count += chunk.length;
    if (count > limits.maxBytes) stop();
  });
  child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString('utf8')).slice(-4096)));
  child.stdin.on('error', () => undefined);
  child.stdin.end();
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on('error', reject);
  child.on('close', resolve);
  try {
    const code = await promise;
    if (isWhole && code !== 0) {
      const error = new GitError(args, code ?? undefined, stderr);
      if (!error.wantedMemory) throw damageOr(error);
      isWhole = false;
    }
  } finally {
    clearTimeout(timer);
  }
  return { bytes: Buffer.concat(chunks), isWhole };
}

const damage =
  /(?:unable to|could not|cannot|failed to) (?:read|parse|unpack|traverse|simplify)|bad (?:object|tree)|is (?:missing|corrupt)/i;

/** A sentence for people when git failed over objects that are missing or damaged; else the error as it is. */
export function damageOr(error: GitError): ForgeError | GitError {
  if (!damage.test(error.stderr)) return error;
  return new ForgeError(
    'unavailable',
    'Git cannot read this: objects of the repository are missing or damaged. An admin finds which with pika-git doctor.',
    { cause: error },
  );
}
