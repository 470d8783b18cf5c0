// Asks the forge that runs. It loads nothing of a forge: most commands are short words to one that has it all in memory.
import { request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { ForgeError, errorCodes } from '../lib/errors.ts';
import { socketPath } from '../lib/socket-path.ts';
import { commandAnswer, type CommandAnswer } from './command-answer.ts';
import type { CommandRequest } from './commands.ts';

const refusal = z.object({ error: z.object({ code: z.enum(errorCodes), message: z.string() }) });

/** Runs a command in the forge that serves this data directory; undefined when none does. */
export async function askRunningForge(
  controlSocket: string,
  command: CommandRequest,
): Promise<CommandAnswer | undefined> {
  const path = socketPath(controlSocket);
  if (!(await isServed(path))) return undefined;
  const { status, body } = await post(path, JSON.stringify(command));
  const parsed: unknown = JSON.parse(body);
  if (status === 200) return commandAnswer.parse(parsed);
  const { code, message } = refusal.parse(parsed).error;
  throw new ForgeError(code, message);
}

function post(path: string, body: string): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const request = httpRequest({ socketPath: path, method: 'POST', path: '/' }, (response) => {
    text(response).then((answer) => resolve({ status: response.statusCode ?? 0, body: answer }), reject);
  });
  request.on('error', (cause) => {
    const sentence = 'The forge ended before it answered; what was asked of it may be done in part.';
    reject(new ForgeError('unavailable', sentence, { cause }));
  });
  request.end(body);
  return promise;
}

/** Whether a forge listens there. */
export function isServed(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const request = httpRequest({ socketPath: path, method: 'GET', path: '/' }, (response) => {
    response.resume();
    resolve(true);
  });
  request.on('error', () => resolve(false));
  request.end();
  return promise;
}
