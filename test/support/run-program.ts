// Runs a program to its end with an explicit environment and answers everything it said; it never throws for
// an exit status, which is often what a test is about.
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What Node has compiled is kept for the next program: a forge of a test starts in half of the processor time. */
export const compileCache = { NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache') };

export interface ProgramResult {
  status: number | undefined;
  stdout: string;
  stderr: string;
}

export interface ProgramOptions {
  cwd: string;
  env: Record<string, string>;
  input?: string | Buffer;
  timeoutMs?: number;
}

export function runProgram(argv: readonly string[], options: ProgramOptions): Promise<ProgramResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ProgramResult>();
  const [program = '', ...args] = argv;
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...compileCache, ...options.env },
    // Less than the time of a test, so that the test can say what hung.
    timeout: options.timeoutMs ?? 25_000,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // The program may end before it has read its input.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  child.on('error', reject);
  child.on('close', (status) => resolve({ status: status ?? undefined, stdout, stderr }));
  return promise;
}

/** The standard output of a program that must end with 0. */
export async function outputOf(argv: readonly string[], options: ProgramOptions): Promise<string> {
  const { status, stdout, stderr } = await runProgram(argv, options);
  if (status !== 0)
    throw new Error(`${argv.join(' ')} ended with ${status ?? 'a signal'}:\n${stdout}${stderr}`);
  return stdout.replace(/\n$/, '');
}
