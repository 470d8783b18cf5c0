// Starts a shell with pipes, or with a terminal of its own: `script` of util-linux makes the terminal and carries its
// bytes, `stty` sets its size, so that no native package is needed. The terminal's other end is held by `script`
// alone: when it goes, the terminal is hung up.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Readable, type Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { ForgeError } from '../lib/errors.ts';
import type { RunningProgram } from './command-client.ts';
import type { GrantedShell, TerminalSize } from './model.ts';

// A program that the shell left behind may hold its output open; its end does not wait for that.
const drainMs = 2000;
const maxPathBytes = 256;

/**
 * `ended` resolves when what it wrote was read, and rejects when it cannot be started. `stop` ends it at once; whoever granted
 * it makes sure that nothing of it lives.
 */
export interface RunningShell extends RunningProgram {
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  resize(size: TerminalSize): void;
}

export function startShell(granted: GrantedShell, terminal: TerminalSize | undefined): RunningShell {
  const { argv, env, folder } = granted;
  const [program = '', ...args] = terminal === undefined ? argv : terminalArgv(argv, terminal);
  // A group of its own, so that a stop reaches all of it on this side of the sandbox.
  const options = { cwd: folder, env, detached: true };
  const child =
    terminal === undefined
      ? spawn(program, args, options)
      : spawn(program, args, { ...options, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
  const [stdin, stdout, stderr, pathPipe] = child.stdio;
  if (stdin === null || stdout === null || stderr === null) throw new Error('a shell without its streams');
  // Broken pipes are told by the shell's end.
  for (const stream of child.stdio) stream?.on('error', () => undefined);
  const sizer = new Sizer(
    readPath(pathPipe).catch(() => ''),
    env,
  );
  return {
    stdin,
    stdout,
    stderr,
    ended: endOf(child, terminal !== undefined),
    resize: (size) => sizer.want(size),
    stop: () => killGroup(child.pid),
  };
}

/**
 * `script` gives what it runs a terminal as its controlling one. What it runs first is this side of the sandbox: it
 * tells the terminal's path on descriptor 3, so that its size can be changed, and sets the first size.
 */
function terminalArgv(argv: readonly string[], { columns, rows }: TerminalSize): string[] {
  const enter = `tty >&3; exec 3>&-; stty rows ${rows} cols ${columns} iutf8; exec ${argv.map(quoted).join(' ')}`;
  return ['script', '-q', '-e', '-f', '-E', 'always', '-c', enter, '/dev/null'];
}

const quoted = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;

/** Its first line: `script` keeps the pipe open as long as it lives. */
async function readPath(source: unknown): Promise<string> {
  let text = '';
  if (!(source instanceof Readable)) return text;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    text += chunk.toString('latin1');
    if (text.includes('\n') || text.length > maxPathBytes) break;
  }
  const path = text.trim();
  return /^\/dev\/[a-z0-9/]+$/.test(path) ? path : '';
}

/**
 * Gives the terminal each new size, one after the other, and of those that wait the last alone. The kernel tells the programs in
 * its foreground (SIGWINCH).
 */
class Sizer {
  readonly #path: Promise<string>;
  readonly #env: Record<string, string>;
  #wanted: TerminalSize | undefined;
  #isAtWork = false;

  constructor(path: Promise<string>, env: Record<string, string>) {
    this.#path = path;
    this.#env = env;
  }

  want(size: TerminalSize): void {
    this.#wanted = size;
    if (!this.#isAtWork) void this.#work();
  }

  #take(): TerminalSize | undefined {
    const size = this.#wanted;
    this.#wanted = undefined;
    return size;
  }

  async #work(): Promise<void> {
    this.#isAtWork = true;
    const path = await this.#path;
    for (let size = this.#take(); size !== undefined; size = this.#take()) {
      if (path === '') continue;
      const { columns, rows } = size;
      const args = ['-F', path, 'rows', String(rows), 'cols', String(columns)];
      const stty = spawn('stty', args, { env: this.#env, stdio: 'ignore' });
      // It cannot be started, or the terminal is gone: the size stays as it was.
      await once(stty, 'exit').catch(() => undefined);
    }
    this.#isAtWork = false;
  }
}

async function endOf(child: ChildProcess, hasTerminal: boolean): Promise<number> {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  child.once('close', () => resolve());
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    const patience = new AbortController();
    await Promise.race([closed, delay(drainMs, undefined, { signal: patience.signal, ref: false })]);
    patience.abort();
    return code ?? (signal === 'SIGKILL' ? 137 : 1);
  } catch (error) {
    const missing = hasTerminal ? 'script (of util-linux)' : 'the sandbox';
    const way = hasTerminal ? ' Without a terminal it goes all the same: ssh -T.' : '';
    throw new ForgeError(
      'unavailable',
      `The shell cannot be started: ${missing} does not start here.${way}`,
      {
        cause: error,
      },
    );
  } finally {
    for (const stream of child.stdio) stream?.destroy();
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
