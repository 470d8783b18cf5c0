// Runs one git that talks to a remote: in a group of its own, because it starts others that must end with it, with an end to
// its time, and with nothing of the credential in what it says.
import type { Forge } from '../../forge/open.ts';
import { stopGroup } from '../../git/stop-group.ts';
import type { RunningGit } from '../../git/spawner.ts';
import { ForgeError } from '../../lib/errors.ts';
import type { Reach } from './reach-remote.ts';

export interface RemoteRun {
  /** The bare repository, as an absolute path; none for what asks the remote alone. */
  repo?: string | undefined;
  args: readonly string[];
  input?: string;
  /** Beside that of the reach; it rules where both say something. */
  environment?: Readonly<Record<string, string>>;
  timeoutMs: number;
  /** Ends git when it is aborted; an `Error` as its reason is what is thrown. */
  signal?: AbortSignal | undefined;
  /** Of its standard output. */
  maxBytes?: number;
  /** Of each program; default: what the configuration gives those that push or fetch. */
  maxMemoryBytes?: number;
  /** Told each line that git says, redacted; of progress too, which git tells when it is asked for it. */
  onSaid?: (line: string) => void;
}

export interface RemoteResult {
  exitCode: number;
  stdout: Buffer;
  /** The end of what git and the remote said on standard error, redacted. */
  said: string;
}

/**
 * Answers however git ended. Throws (`limited`) when it took longer than `timeoutMs` or printed more than `maxBytes`, and what
 * `signal` gives as its reason; by then every process that it started has ended.
 */
export async function runRemote(forge: Forge, reach: Reach, run: RemoteRun): Promise<RemoteResult> {
  run.signal?.throwIfAborted();
  const { repo, args, timeoutMs, signal } = run;
  const place = repo === undefined ? {} : { repo };
  const order = {
    ...place,
    env: { ...reach.environment, ...run.environment },
    maxMemoryBytes: run.maxMemoryBytes ?? forge.config.mirror.maxGitMemoryBytes,
    detached: true,
    endsWithForge: true,
  };
  const child = forge.git.spawn(args, order);
  let why: unknown;
  const stop = (reason: unknown): void => {
    why ??= reason;
    stopGroup(child);
  };
  const stdout = gather(child, run.maxBytes, stop);
  const said = listen(child, { reach, maxBytes: forge.config.mirror.maxSaidBytes, onSaid: run.onSaid });
  const ended = Promise.withResolvers<number | null>();
  child.on('error', ended.reject);
  child.on('close', ended.resolve);
  child.stdin.on('error', () => undefined);
  child.stdin.end(run.input ?? '');
  const tooLong = (): void =>
    stop(new ForgeError('limited', `The remote took longer than ${timeoutMs / 1000} seconds.`));
  const timer = setTimeout(tooLong, timeoutMs);
  const onAbort = (): void => stop(abortReason(signal));
  signal?.addEventListener('abort', onAbort);
  try {
    const exitCode = await ended.promise;
    if (why !== undefined) throw why;
    return { exitCode: exitCode ?? 128, stdout: stdout(), said: said() };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    killRest(child);
  }
}

/** Git prints a list when it has all of it, so that how much it prints limits nothing; one of 9 MB takes it 40. */
export const listMemoryBytes = (maxListBytes: number): number => 64 * 1024 * 1024 + 8 * maxListBytes;

const abortReason = (signal: AbortSignal | undefined): Error =>
  signal?.reason instanceof ForgeError
    ? signal.reason
    : new ForgeError('unavailable', 'It was stopped before it ended.');

/** Nobody of the group holds its streams any more; who closed them and stayed is ended too. */
function killRest({ pid }: RunningGit): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // As it should be: the group has ended.
  }
}

function gather(
  child: RunningGit,
  maxBytes: number | undefined,
  stop: (reason: Error) => void,
): () => Buffer {
  const chunks: Buffer[] = [];
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (maxBytes === undefined || bytes <= maxBytes) chunks.push(chunk);
    else stop(new ForgeError('limited', `The remote sent more than ${maxBytes} bytes of names.`));
  });
  return () => Buffer.concat(chunks);
}

interface Listening {
  reach: Reach;
  maxBytes: number;
  onSaid: ((line: string) => void) | undefined;
}

/** Keeps whole lines only: a secret that is cut in half cannot be found. */
function listen(child: RunningGit, { reach, maxBytes, onSaid }: Listening): () => string {
  let lines: string[] = [];
  let kept = 0;
  let rest = '';
  const decoder = new TextDecoder();
  const keep = (line: string): void => {
    const clean = reach.redact(line).slice(0, maxBytes);
    lines.push(clean);
    kept += clean.length + 1;
    while (kept > maxBytes && lines.length > 1) kept -= (lines.shift()?.length ?? 0) + 1;
    onSaid?.(clean);
  };
  child.stderr.on('data', (chunk: Buffer) => {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split(/[\r\n]+/);
    rest = parts.pop() ?? '';
    // A line without end is dropped: it is kept whole or not at all.
    if (rest.length > maxBytes) rest = '';
    for (const line of parts) if (line !== '') keep(line);
  });
  return () => {
    if (rest !== '') keep(rest);
    rest = '';
    const text = lines.join('\n');
    lines = [];
    return text;
  };
}
