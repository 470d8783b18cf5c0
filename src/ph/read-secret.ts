// A secret value from standard input, from a file, or typed at the terminal without being shown. Never from the command
// line, which every program of the machine can read.
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { errorMessage } from '../lib/errors.ts';
import { exitStatus } from '../lib/statuses.ts';
import { Failure, wrongUse } from './failure.ts';

/** `file` is a path, or `-` for standard input; without it a terminal is asked. One line loses its line end. */
export async function readSecret(prompt: string, file: string | undefined): Promise<string> {
  if (file !== undefined && file !== '-') return withoutLineEnd(readGiven(file));
  const isAsked = file === undefined && process.stdin.isTTY;
  return isAsked ? ask(prompt) : withoutLineEnd(await text(process.stdin));
}

function readGiven(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw wrongUse(`The file ${file} cannot be read: ${errorMessage(error)}.`);
  }
}

/** `echo token | ph secret set …` means the token; a key of many lines is kept as it is, to its last line end. */
function withoutLineEnd(given: string): string {
  const line = given.replace(/\r?\n$/, '');
  return line.includes('\n') ? given : line;
}

async function ask(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let typed = '';
  const take = (chunk: string): void => {
    for (const character of chunk) {
      if (character === '\r' || character === '\n' || character === '\u0004') return resolve(typed);
      if (character === '\u0003') {
        return reject(new Failure(exitStatus.no, 'Nothing was set.'));
      }
      if (character === '\u007F' || character === '\b') typed = typed.slice(0, -1);
      else typed += character;
    }
  };
  // Only then the question: what is typed as soon as it stands there is not shown either.
  stdin.setRawMode(true);
  stdin.setEncoding('utf8').on('data', take).resume();
  stderr.write(prompt);
  try {
    return await promise;
  } finally {
    stdin.off('data', take).pause();
    stdin.setRawMode(false);
    stderr.write('\n');
  }
}
