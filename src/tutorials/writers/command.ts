// Any program that reads the prompt on standard input and prints JSON, such as the command line of a coding agent.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { errorMessage } from '../../lib/errors.ts';
import { readAnswer } from './answer.ts';
import { makePrompt } from './prompt.ts';
import { WriterFailure, type TutorialWriter } from './writer.ts';

export interface CommandSettings {
  /** The program and its arguments. */
  command: readonly string[];
  /** All of its environment. */
  environment: Record<string, string>;
  timeoutMs: number;
  maxInputBytes: number;
  maxAnswerBytes: number;
}

/** sysexits.h: a failure that passes. */
const tempFail = 75;
const maxErrorBytes = 16_384;

export const commandWriter = (settings: CommandSettings): TutorialWriter => ({
  name: 'command',
  write: async (input, signal) => {
    const prompt = makePrompt(input, settings.maxInputBytes);
    const answer = await runCommand(settings, `${prompt.system}\n\n${prompt.text}\n`, signal);
    return {
      body: readAnswer(answer, prompt.names, false),
      usage: { model: settings.command[0] ?? '', ...prompt.cut },
    };
  },
});

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
  /** Why it was ended by us. */
  stopped: WriterFailure | undefined;
}

async function runCommand(settings: CommandSettings, prompt: string, signal: AbortSignal): Promise<string> {
  const { code, stdout, stderr, stopped } = await attend(settings, prompt, signal);
  if (stopped !== undefined) throw stopped;
  if (code === 0) return stdout;
  const last = stderr.trim().split('\n').at(-1)?.slice(0, 300);
  const how = code === null ? 'was killed' : `ended with status ${code}`;
  throw new WriterFailure(`it ${how}${last ? `: ${last}` : ''}`, {
    passes: code === null || code === tempFail,
  });
}

function attend(settings: CommandSettings, prompt: string, signal: AbortSignal): Promise<Ended> {
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  const [program = '', ...args] = settings.command;
  // A group of its own: what it starts ends with it.
  const child = spawn(program, args, { env: settings.environment, detached: true, stdio: 'pipe' });
  let stopped: WriterFailure | undefined;
  const stop = (failure: WriterFailure): void => {
    stopped ??= failure;
    killGroup(child);
  };
  const late = setTimeout(() => {
    stop(new WriterFailure(`it did not end in ${settings.timeoutMs / 1000} seconds`, { passes: true }));
  }, settings.timeoutMs);
  const leave = () => stop(new WriterFailure('the forge is stopping', { passes: true }));
  signal.addEventListener('abort', leave);
  const out = collect(child.stdout, settings.maxAnswerBytes, () => {
    stop(new WriterFailure(`its answer has more than ${settings.maxAnswerBytes} bytes`, { passes: false }));
  });
  const err = collect(child.stderr, maxErrorBytes, () => undefined);
  // A program that does not read its prompt to the end is not an error by itself.
  child.stdin.on('error', () => undefined);
  child.stdin.end(prompt);
  const settle = (): void => {
    clearTimeout(late);
    signal.removeEventListener('abort', leave);
    killGroup(child);
  };
  child.on('error', (error) => {
    settle();
    reject(
      new WriterFailure(`it cannot be started: ${errorMessage(error)}`, { passes: false, cause: error }),
    );
  });
  child.on('exit', (code) => {
    settle();
    // What still holds its output open is dead by now; what it wrote is read to the end.
    child.on('close', () => resolve({ code, stdout: out(), stderr: err(), stopped }));
  });
  return promise;
}

/** What came, at most `maxBytes` of it; `tooMuch` is called when there is more. */
function collect(stream: NodeJS.ReadableStream, maxBytes: number, tooMuch: () => void): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    const room = maxBytes - bytes;
    bytes += chunk.length;
    if (room > 0) chunks.push(chunk.subarray(0, room));
    if (bytes > maxBytes) tooMuch();
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

function killGroup(child: ChildProcessWithoutNullStreams): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Everybody in it has ended.
  }
}
