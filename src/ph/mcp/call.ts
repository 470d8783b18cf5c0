// One call of a tool is one start of ph: what it prints is the answer, and its end is the exit status. A process of its
// own may stand in another folder, is ended when the caller gives up, and takes nothing down with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { exitStatus } from '../../lib/statuses.ts';
import { clean } from '../output.ts';
import { Ends } from './ends.ts';

/** Answers are read by something that pays for every word; a log's beginning and end say the most. */
const maxHeadChars = 20_000;
const maxTailChars = 60_000;

export interface Call {
  argv: readonly string[];
  folder: string;
  signal: AbortSignal;
  /** Told every line of progress. */
  onProgress: (line: string) => void;
}

export interface Answer {
  status: number;
  output: string;
  /** Progress and sentences. */
  messages: string;
}

export async function callPh({ argv, folder, signal, onProgress }: Call): Promise<Answer> {
  const [, main = ''] = process.argv;
  const child = spawn(process.execPath, [...process.execArgv, main, ...argv], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGTERM',
  });
  const output = new Ends(maxHeadChars, maxTailChars);
  const messages = new Ends(maxHeadChars, maxTailChars);
  child.stdout.setEncoding('utf8').on('data', (text: string) => output.add(text));
  createInterface({ input: child.stderr }).on('line', (line) => {
    messages.add(`${line}\n`);
    onProgress(clean(line));
  });
  const [status] = (await once(child, 'close')) as [number | null];
  return {
    status: status ?? exitStatus.unreachable,
    output: clean(output.text()),
    messages: clean(messages.text()),
  };
}
