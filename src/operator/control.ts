// The local socket of a running forge. The operator's commands go through it, so that the running forge stays
// the one writer; who asks is in ask-forge.ts.
import { rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { socketPath } from '../lib/socket-path.ts';
import { systemRefusal } from '../lib/system-error.ts';
import { isServed } from './ask-forge.ts';
import { parseRequest, runCommand } from './commands.ts';

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
      .then(async (body) => runCommand(forge, parseRequest(JSON.parse(body))))
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
