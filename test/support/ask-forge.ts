// What an operator asks of a forge that runs, said to its socket as the command `pika-git` does, without a program that
// is started for it.
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import type { CommandRequest } from '../../src/operator/commands.ts';
import { socketPath } from '../../src/lib/socket-path.ts';

const answered = z.object({ text: z.string() });

/** What the command would print; throws when the forge refuses, or none serves the data directory. */
export function askForge(data: string, command: CommandRequest): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const path = socketPath(join(data, 'control.sock'));
  const asked = request({ socketPath: path, method: 'POST', path: '/' }, (response) => {
    text(response)
      .then((body) => {
        if (response.statusCode !== 200) throw new Error(`pika-git ${command.command} was refused: ${body}`);
        return answered.parse(JSON.parse(body)).text;
      })
      .then(resolve, reject);
  });
  asked.on('error', reject);
  asked.end(JSON.stringify(command));
  return promise;
}
