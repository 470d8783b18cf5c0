// Runs a git that may take long and starts others of its kind, such as repack and fsck: in a process group of its
// own, so that a stop reaches all of them, and with low priority, so that pages and pushes come first.
import { writeFileSync } from 'node:fs';
import { ForgeError } from '../lib/errors.ts';
import { GitError, type Git } from './run.ts';
import type { RunningGit } from './spawner.ts';
import { stopGroup } from './stop-group.ts';

const keptBytes = 16 * 1024;
const niceness = 10;
/** The kernel takes a new one from an ordinary user only every 100 ms, of all groups together. */
const nextGroupMs = 250;

export interface LongRunOptions {
  /** The bare repository, as an absolute path. */
  repo: string;
  timeoutMs: number;
  /** Ends git when it is aborted. */
  signal?: AbortSignal | undefined;
  /** Exit codes that are an answer and not a fault; 0 always is one. */
  accept?: readonly number[];
  /** Settings of git for this run alone. */
  settings?: Readonly<Record<string, string>>;
  /** What it reads from its standard input. */
  input?: string;
  /** Added to its environment; never taken from a user. */
  env?: Readonly<Record<string, string>>;
}

export interface LongRunResult {
  exitCode: number;
  /** The beginning of what it printed, to both of its streams. */
  said: string;
}

/** Runs git to its end; throws `GitError`, or `limited` when it took longer than `timeoutMs`. */
export async function runLong(
  git: Git,
  args: readonly string[],
  options: LongRunOptions,
): Promise<LongRunResult> {
  options.signal?.throwIfAborted();
  const child = git.spawn(args, {
    repo: options.repo,
    env: { ...settingsEnvironment(options.settings ?? {}), ...options.env },
    detached: true,
    endsWithForge: true,
    niceness,
  });
  lowerGroup(child);
  const said = gather(child);
  const ended = Promise.withResolvers<number | null>();
  child.on('error', ended.reject);
  child.on('close', ended.resolve);
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  let why: Error | undefined;
  const stop = (reason: Error): void => {
    why ??= reason;
    stopGroup(child);
  };
  const timer = setTimeout(
    () => stop(new ForgeError('limited', `git ${args[0] ?? ''} took too long and was stopped.`)),
    options.timeoutMs,
  );
  const onAbort = (): void => stop(new ForgeError('unavailable', 'The forge stops.'));
  options.signal?.addEventListener('abort', onAbort);
  try {
    const code = await ended.promise;
    if (why !== undefined) throw why;
    const accepted = code === 0 || (code !== null && options.accept?.includes(code));
    if (!accepted) throw new GitError(args, code ?? undefined, said().slice(-4096));
    return { exitCode: code ?? 0, said: said() };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onAbort);
  }
}

function settingsEnvironment(settings: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(settings);
  const pairs = entries.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(entries.length), ...Object.fromEntries(pairs) };
}

function gather(child: RunningGit): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      if (bytes < keptBytes) chunks.push(chunk);
      bytes += chunk.length;
    });
  }
  return () => Buffer.concat(chunks).toString('utf8').slice(0, keptBytes);
}

/**
 * Linux divides its processors between sessions first (sched(7), autogroup), and a group of its own is a session of its own:
 * without this the priority counts for nothing beside pages and pushes.
 */
function lowerGroup(child: RunningGit): void {
  const { pid } = child;
  if (pid === undefined) return void child.on('spawn', () => lowerGroup(child));
  if (child.exitCode !== null || child.signalCode !== null) return;
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(niceness), { flag: 'r+' });
  } catch (error) {
    // It has ended by itself, or this system knows nothing of it.
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN')
      setTimeout(() => lowerGroup(child), nextGroupMs).unref();
  }
}
