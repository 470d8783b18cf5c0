// The local socket of a running forge. The operator's commands go through it, so that the running forge stays
// the one writer; when nobody listens, the command opens the data directory itself.
import { rmSync } from 'node:fs';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import type { Forge } from '../forge/open.ts';
import { ForgeError, errorCodes } from '../lib/errors.ts';
import { socketPath } from '../lib/socket-path.ts';
import { systemRefusal } from '../lib/system-error.ts';
import {
  commandAnswer,
  commandRequest,
  runCommand,
  type CommandAnswer,
  type CommandRequest,
} from './commands.ts';

const refusal = z.object({ error: z.object({ code: z.enum(errorCodes), message: z.string() }) });

/**
 * Listens on the socket until the server is closed. Refuses (`conflict`) when a forge serves this data already:
 * the socket is also what keeps two forges out of one data directory.
 */
export async function openControl(forge: Forge): Promise<Server> {
  const path = socketPath(forge.config.paths.controlSocket);
  if (await isServed(path)) {
    throw new ForgeError('conflict', `A pika-git serves ${forge.config.paths.data} already; stop it first.`);
  }
  rmSync(path, { force: true });
  const server = createServer((incoming, outgoing) => {
    // Whoever only asks whether a forge is here sends nothing to run.
    if (incoming.method !== 'POST') {
      incoming.resume();
      outgoing.end();
      return;
    }
    text(incoming)
      .then(async (body) => runCommand(forge, commandRequest.parse(JSON.parse(body))))
      .then(
        (answer) => outgoing.end(JSON.stringify(answer)),
        (error: unknown) => {
          const known = error instanceof ForgeError ? error : systemRefusal(error);
          if (known !== error) forge.log.error({ err: error }, 'an operator command failed');
          const code = known?.code ?? 'internal';
          const message = known?.message ?? 'The command failed; the log of the forge says why.';
          outgoing.writeHead(400).end(JSON.stringify({ error: { code, message } }));
        },
      );
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  const before = process.umask(0o077);
  server.listen(path, resolve);
  process.umask(before);
  await promise;
  return server;
}

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

function isServed(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const request = httpRequest({ socketPath: path, method: 'GET', path: '/' }, (response) => {
    response.resume();
    resolve(true);
  });
  request.on('error', () => resolve(false));
  request.end();
  return promise;
}
