// The only spawn of git. Every git of the forge runs with a private configuration and an explicit
// environment, so neither the machine's git settings nor a repository's content changes what it does.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { join } from 'node:path';
import { ForgeError } from '../lib/errors.ts';
import { logContext } from '../lib/log-context.ts';
import { bytesOfPath, textOfPath, type GitPath } from './git-path.ts';
import { Spawner, type RunningGit } from './spawner.ts';

const hooksFolder = new URL('../../hooks/', import.meta.url).pathname;
const stderrTailBytes = 4096;
const reopenMs = 500;

export interface GitLimits {
  maxPushBytes: number;
  gitSeconds: number;
}

export interface RunOptions {
  /** The bare repository, as an absolute path. */
  repo?: string;
  /** Becomes the last argument, byte by byte. */
  path?: GitPath | undefined;
  input?: string | Buffer;
  /** Exit codes that are an answer and not a fault; 0 always is one. */
  accept?: readonly number[];
  maxBytes?: number;
  timeoutMs?: number;
  /** Of git itself, which fails when it wants more: for questions whose cost a repository decides. */
  maxMemoryBytes?: number;
  /** Added to git's environment; never taken from a user. */
  env?: Record<string, string>;
}

export interface SpawnOptions extends Pick<RunOptions, 'repo' | 'env' | 'path' | 'maxMemoryBytes'> {
  /** Whether it leads a process group of its own. */
  detached?: boolean;
  /** How much it and all that it starts give way to others (nice(1)). */
  niceness?: number;
  /** Whether it is killed with its group when the forge dies; else it goes on as long as it has something to do. */
  endsWithForge?: boolean;
  /** Pipes beside the standard streams, as files 3 and on. */
  hookPipes?: number;
}

export interface GitResult {
  stdout: Buffer;
  exitCode: number;
}

/** Git itself failed: what was asked, how it ended, and the end of what it said. Always the `cause` of something. */
export class GitError extends Error {
  readonly argv: readonly string[];
  readonly exitCode: number | undefined;
  readonly stderr: string;

  constructor(argv: readonly string[], exitCode: number | undefined, stderr: string) {
    super(`git ${argv[0] ?? ''} failed (${exitCode ?? 'killed'}): ${stderr.trim() || 'no message'}`);
    this.name = 'GitError';
    this.argv = argv;
    this.exitCode = exitCode;
    this.stderr = stderr;
  }

  /** Whether git wanted more memory than it was given. */
  get wantedMemory(): boolean {
    return /out of memory|cannot allocate memory|mmap failed|unable to create thread/i.test(this.stderr);
  }
}

/** For reads that a page waits for: a tree of a dozen objects can make git note down thousands of millions of paths. */
export const readMemoryBytes = 512 * 1024 * 1024;

export class Git {
  readonly environment: Readonly<Record<string, string>>;
  readonly #defaultTimeoutMs: number;
  readonly #configuration: { path: string; text: string };
  #spawner: Spawner | undefined;

  constructor(options: { home: string; searchPath: string; limits: GitLimits }) {
    mkdirSync(options.home, { recursive: true, mode: 0o700 });
    const configFile = join(options.home, 'config');
    this.#configuration = { path: configFile, text: privateConfiguration(options.limits) };
    this.writeConfiguration();
    this.#defaultTimeoutMs = options.limits.gitSeconds * 1000;
    this.environment = {
      PATH: options.searchPath,
      HOME: options.home,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: configFile,
      GIT_TERMINAL_PROMPT: '0',
      GIT_NO_REPLACE_OBJECTS: '1',
      LC_ALL: 'C',
    };
  }

  writeConfiguration(): void {
    writeFileSync(this.#configuration.path, this.#configuration.text);
  }

  /** Whether the configuration on disk, which every git reads, is still what was written at the start. */
  hasOwnConfiguration(): boolean {
    const { path, text } = this.#configuration;
    return existsSync(path) && readFileSync(path, 'utf8') === text;
  }

  /** Runs git to its end; throws `GitError` unless the exit code is 0 or accepted. */
  run(args: readonly string[], options: RunOptions = {}): Promise<GitResult> {
    const child = this.spawn(args, options);
    return collect(child, args, { timeoutMs: this.#defaultTimeoutMs, ...options });
  }

  /** The standard output of git as UTF-8 text without its last newline. */
  async text(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { stdout } = await this.run(args, options);
    return stdout.toString('utf8').replace(/\n$/, '');
  }

  /** Starts git with pipes on its three streams, and on `hookPipes` more; the caller owns its end. */
  spawn(args: readonly string[], options: SpawnOptions = {}): RunningGit {
    const [program, argv] = niced(commandOf(args, options), options.niceness);
    const order = {
      program,
      args: argv,
      cwd: options.repo ?? this.environment['HOME'],
      env: {
        ...this.environment,
        ...(options.repo ? { GIT_DIR: options.repo } : {}),
        ...requestOf(),
        ...options.env,
      },
      detached: options.detached ?? false,
      endsWithForge: options.endsWithForge ?? false,
    };
    const pipes = 3 + (options.hookPipes ?? 0);
    const elsewhere = this.#spawner?.spawn(order, pipes);
    if (elsewhere !== undefined) return elsewhere;
    const stdio = Array.from({ length: pipes }, () => 'pipe' as const);
    return spawn(program, argv, { ...order, stdio });
  }

  /** From now on a small process starts git for this one, whose memory makes every start slow. */
  async openSpawner(): Promise<void> {
    const cache = getCompileCacheDir();
    const { PATH = '', HOME = '' } = this.environment;
    const environment = { PATH, HOME, ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }) };
    // Until there is another one, git is started from here.
    const reopen = () => {
      if (this.#spawner !== undefined) void this.openSpawner().catch(() => undefined);
    };
    const onLost = () => void setTimeout(reopen, reopenMs).unref();
    this.#spawner = await Spawner.open(join(HOME, 'spawner.sock'), { environment, onLost });
  }

  closeSpawner(): void {
    this.#spawner?.close();
    this.#spawner = undefined;
  }
}

/** Whoever finds a git that hangs, or a hook, can tell by its environment for which request it was started. */
function requestOf(): Record<string, string> {
  const { requestId } = logContext();
  return requestId === undefined ? {} : { PIKA_REQUEST_ID: requestId };
}

/**
 * Node hands arguments over as UTF-8. A path that is none is spelled in octal for a shell, which turns it into its
 * bytes and then becomes git; nothing of it is read as a word of the shell. A shell also sets the limit of memory.
 */
function commandOf(args: readonly string[], options: SpawnOptions): [program: string, argv: string[]] {
  const { path, maxMemoryBytes } = options;
  // Git takes such names for a way out of the repository, though the tree of a foreign commit may hold them.
  if (path?.split('/').some((name) => name === '.' || name === '..')) {
    throw new ForgeError(
      'not_found',
      'Git can follow no path that has a . or .. in it; read the file itself.',
    );
  }
  const text = path === undefined ? undefined : textOfPath(path);
  const all = text === undefined ? [...args] : [...args, text];
  const limit = maxMemoryBytes === undefined ? '' : `ulimit -d ${Math.floor(maxMemoryBytes / 1024)}; `;
  if (path !== undefined && text === undefined) {
    const octal = Array.from(bytesOfPath(path), (byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('');
    return ['sh', ['-c', `${limit}path=$(printf %b. "$0"); exec git "$@" "\${path%.}"`, octal, ...args]];
  }
  return limit === '' ? ['git', all] : ['sh', ['-c', `${limit}exec git "$@"`, 'git', ...all]];
}

/** From its first moment on: what it starts before it is told is not told. */
const niced = ([program, argv]: [string, string[]], niceness: number | undefined): [string, string[]] =>
  niceness === undefined ? [program, argv] : ['nice', ['-n', String(niceness), program, ...argv]];

interface CollectOptions extends RunOptions {
  timeoutMs: number;
}

function collect(child: RunningGit, args: readonly string[], options: CollectOptions): Promise<GitResult> {
  const { promise, resolve, reject } = Promise.withResolvers<GitResult>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  let stderr = '';
  const stop = (error: Error) => {
    child.kill('SIGKILL');
    reject(error);
  };
  const timer = setTimeout(
    () => stop(new ForgeError('limited', `git ${args[0] ?? ''} took too long and was stopped.`)),
    options.timeoutMs,
  );
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (options.maxBytes !== undefined && bytes > options.maxBytes) {
      stop(new ForgeError('too_large', `git ${args[0] ?? ''} printed more than ${options.maxBytes} bytes.`));
    } else chunks.push(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString('utf8')).slice(-stderrTailBytes);
  });
  // git may end before it has read its input; its exit code tells the story, not the broken pipe.
  child.stdin.on('error', () => undefined);
  child.on('error', (error) => stop(error));
  child.on('close', (code) => {
    clearTimeout(timer);
    const accepted = code === 0 || (code !== null && options.accept?.includes(code));
    if (accepted) resolve({ stdout: Buffer.concat(chunks), exitCode: code ?? 0 });
    else reject(failureOf(new GitError(args, code ?? undefined, stderr), options));
  });
  child.stdin.end(options.input ?? '');
  return promise;
}

function failureOf(error: GitError, options: RunOptions): Error {
  if (options.maxMemoryBytes === undefined || !error.wantedMemory) return error;
  const sentence = `git ${error.argv[0] ?? ''} needed more memory than it may take and was stopped.`;
  return new ForgeError('limited', sentence, { cause: error });
}

// Old histories have these, and nothing is hurt by them.
const harmlessFaults = `[receive "fsck"]
	badTimezone = ignore
	missingSpaceBeforeDate = ignore
	zeroPaddedFilemode = ignore
`;

function privateConfiguration(limits: GitLimits): string {
  return `# Written by pika-git at every start; changes here are lost.
[core]
	fsync = objects,derived-metadata,reference
	fsyncMethod = fsync
	packedRefsTimeout = 10000
	filesRefLockTimeout = 1000
	useReplaceRefs = false
	bigFileThreshold = 50m
	quotePath = false
	commitGraph = true
	# The only alternate is the repository itself, beside the quarantine of a push; its refs are known already.
	alternateRefsCommand = true
	hooksPath = ${hooksFolder}
[init]
	templateDir =
	defaultBranch = main
[gc]
	auto = 0
[maintenance]
	auto = 0
[receive]
	autogc = false
	fsckObjects = true
	maxInputSize = ${limits.maxPushBytes}
	unpackLimit = 100
	advertiseAtomic = true
	advertisePushOptions = true
	denyDeleteCurrent = ignore
	hideRefs = refs/replace
${harmlessFaults}[fetch]
	fsckObjects = true
	writeCommitGraph = true
[transfer]
	hideRefs = refs/pika
[uploadpack]
	allowFilter = true
	allowAnySHA1InWant = true
[pack]
	writeBitmapHashCache = true
[repack]
	writeBitmaps = true
[protocol]
	allow = never
[protocol "https"]
	allow = always
[protocol "ssh"]
	allow = always
[http]
	followRedirects = false
[safe]
	directory = *
[user]
	name = pika-git
	email = forge@localhost
[merge]
	renames = true
`;
}
