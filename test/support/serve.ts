// The forge as people start it: a process of its own, on ports of its own, in a temporary folder.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach } from 'vitest';
import { z } from 'zod';
import { askForge } from './ask-forge.ts';
import { makeClient, type GitClient } from './git-client.ts';
import { findLeftovers } from './leftovers.ts';
import { misfit } from './misfit.ts';
import { compileCache, outputOf, runProgram, type ProgramResult } from './run-program.ts';

/** A machine that runs all tests at once starts it slowly; a start that hangs is told all the same. */
const startMs = 60_000;
/** A command that hangs is ended, and the test says so. */
const operateMs = 120_000;
const top = fileURLToPath(new URL('../..', import.meta.url));
const launcher = join(top, 'src/pika-git');
const readyLine = z.object({
  event: z.literal('ready'),
  http: z.string(),
  ssh: z.string(),
  adminLink: z.string().optional(),
});

export interface ServedForge {
  /** Everything of this test; the data directory is `data` in it. */
  folder: string;
  data: string;
  /** `http://127.0.0.1:PORT`, anew after every start. */
  http: string;
  /** `127.0.0.1:PORT`. */
  ssh: string;
  sshPort: number;
  adminLink: string | undefined;
  pid: number;
  /** What it wrote to standard error since it was first started. */
  errors: () => string;
  /** The operator's command on this data directory; `operate('doctor')`. */
  operate: (...args: string[]) => Promise<ProgramResult>;
  /** A person with an account and a key that the forge knows. */
  person: (name: string, role?: 'admin' | 'member') => Promise<GitClient>;
  /** A new API token for an account. */
  token: (account: string, scope?: 'read' | 'write' | 'admin') => Promise<string>;
  /** SIGTERM, and waits for the end. Answers the exit status. */
  stop: () => Promise<number | undefined>;
  /** SIGKILL: nothing is written any more. */
  kill: () => Promise<void>;
  /** Starts it again on the same data and the same ports. */
  restart: () => Promise<void>;
}

export interface ServeOptions {
  /** Written to pika.toml. */
  settings?: string;
  /** Default: false, the forge starts empty. */
  welcome?: boolean;
  /** Where pages are, in place of 127.0.0.1: browsers make passkeys for names alone. */
  host?: 'localhost';
  /** Called with the path of its data directory, before anything of it is there. */
  prepare?: (data: string) => void;
  /** Added to its environment. */
  env?: Record<string, string>;
}

const programEnvironment = (folder: string): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: folder,
  TMPDIR: folder,
  LC_ALL: 'C',
});

/** In a test, a forge holds every answer of its API against the model of its row. A benchmark measures it as it is. */
const preload = new URL('preload.ts', import.meta.url).href;
const checks: Record<string, string> =
  process.env['VITEST'] === undefined ? {} : { NODE_OPTIONS: `--import=${preload}` };

/** The operator's command on the data directory `data` in a folder. */
export const operateOn = (folder: string, ...args: string[]): Promise<ProgramResult> =>
  runProgram(['sh', launcher, ...args, '--data', join(folder, 'data')], {
    cwd: folder,
    env: programEnvironment(folder),
    timeoutMs: operateMs,
  });

/** For the top of a test file: `const startForge = useServedForge();`. Every forge is stopped and removed after its test. */
export function useServedForge(): (options?: ServeOptions) => Promise<ServedForge> {
  const started: ServedForge[] = [];
  afterEach(async () => {
    for (const served of started.splice(0)) await disposeServed(served);
  });
  return async (options = {}) => {
    const served = await startForge(options);
    started.push(served);
    return served;
  };
}

/** As `useServedForge`, but one forge for all tests of the file, stopped after the last. */
export function useSharedForge(): () => Promise<ServedForge> {
  let shared: Promise<ServedForge> | undefined;
  afterAll(async () => {
    if (shared !== undefined) await disposeServed(await shared);
  });
  return () => (shared ??= startForge());
}

/** Stops a forge and removes its folder; throws when processes stay behind, or an answer was not as it is described. */
export async function disposeServed(served: ServedForge): Promise<void> {
  await served.stop();
  const leftovers = await findLeftovers(served.folder);
  for (const leftover of leftovers) process.kill(Number.parseInt(leftover, 10), 'SIGKILL');
  await rm(served.folder, { recursive: true, force: true, maxRetries: 5 });
  if (leftovers.length > 0) throw new Error(`The forge left processes behind: ${leftovers.join('; ')}`);
  const unlike = served
    .errors()
    .split('\n')
    .filter((line) => line.startsWith(misfit));
  if (unlike.length > 0) throw new Error(unlike.join('\n'));
}

/** Starts the forge and waits until it says that it serves. The caller disposes it. */
export async function startForge(options: ServeOptions = {}): Promise<ServedForge> {
  const folder = mkdtempSync(join(tmpdir(), 'pika-serve-'));
  const data = join(folder, 'data');
  const env = { ...programEnvironment(folder), ...options.env };
  options.prepare?.(data);
  if (options.settings !== undefined) {
    await outputOf(['mkdir', '-p', data], { cwd: folder, env });
    writeFileSync(join(data, 'pika.toml'), options.settings);
  }
  let errors = '';
  let child: ChildProcess | undefined;
  const start = async (http: string, ssh: string): Promise<z.infer<typeof readyLine>> => {
    const welcome = options.welcome === true ? [] : ['--no-welcome'];
    const args = [launcher, 'serve', '--json', '--http', http, '--ssh', ssh, '--data', data, ...welcome];
    const program = spawn('sh', args, {
      cwd: folder,
      env: { ...compileCache, ...checks, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = program;
    program.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    const timer = setTimeout(() => program.kill('SIGKILL'), startMs);
    try {
      for await (const line of createInterface({ input: program.stdout }))
        return readyLine.parse(JSON.parse(line));
    } finally {
      clearTimeout(timer);
    }
    throw new Error(`The forge did not start:\n${errors}`);
  };
  const end = async (signal: NodeJS.Signals): Promise<number | undefined> => {
    const program = child;
    if (program === undefined) return undefined;
    if (program.exitCode === null && program.signalCode === null) {
      const exited = once(program, 'exit');
      program.kill(signal);
      await exited;
    }
    return program.exitCode ?? undefined;
  };
  const operate = (...args: string[]): Promise<ProgramResult> => operateOn(folder, ...args);

  const ready = await start(`${options.host ?? '127.0.0.1'}:0`, '127.0.0.1:0');
  const sshPort = Number(ready.ssh.split(':').at(-1));
  return {
    folder,
    data,
    http: ready.http,
    ssh: ready.ssh,
    sshPort,
    adminLink: ready.adminLink,
    get pid() {
      return child?.pid ?? 0;
    },
    errors: () => errors,
    operate,
    person: async (name, role = 'member') => {
      const client = await makeClient(folder, { name });
      await askForge(data, { command: 'account add', name, role, keyText: client.key.publicText });
      return client;
    },
    token: (account, scope = 'write') => askForge(data, { command: 'token create', account, scope }),
    stop: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
    restart: async () => void (await start(new URL(ready.http).host, ready.ssh)),
  };
}
