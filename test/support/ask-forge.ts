// What an operator asks of a forge that runs, as the command `pika-git` does, without a program that is started for it.
import { join } from 'node:path';
import { askRunningForge } from '../../src/operator/ask-forge.ts';
import type { CommandRequest } from '../../src/operator/commands.ts';

/** What the command would print; throws when the forge refuses, or none serves the data directory. */
export async function askForge(data: string, command: CommandRequest): Promise<string> {
  const answer = await askRunningForge(join(data, 'control.sock'), command);
  if (answer === undefined) throw new Error(`No forge serves ${data}.`);
  return answer.text;
}
