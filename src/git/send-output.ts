// What git writes as the body of an answer, sent while it is written.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { GitError, type Git, type SpawnOptions } from './run.ts';
import { stopGroup } from './stop-group.ts';

const complaintLength = 4096;

export interface SentOutput {
  args: readonly string[];
  options: Pick<SpawnOptions, 'repo' | 'env'>;
  input?: string;
  /** Of the answer, set when git has begun to write. */
  head: Record<string, string>;
  /** For all of it. */
  seconds: number;
  /** For which the reader may take nothing once git has begun to write; as long as the server lets it by default. */
  stallSeconds?: number;
}

/** Ends git when the reader goes away. Throws `GitError` while there still is an answer to refuse with. */
export async function sendOutput(git: Git, output: SentOutput, response: ServerResponse): Promise<void> {
  const { args, options, input = '', head, seconds, stallSeconds } = output;
  const child = git.spawn(args, { ...options, detached: true, endsWithForge: true });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString('utf8')).slice(-complaintLength);
  });
  child.stdin.on('error', () => undefined);
  child.on('error', () => child.stdout.destroy());
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const stop = () => stopGroup(child);
  const timer = setTimeout(() => {
    stop();
    response.destroy();
  }, seconds * 1000);
  // Git may count for long before it writes anything.
  if (stallSeconds !== undefined) response.setTimeout(seconds * 1000);
  response.on('close', stop);
  child.stdin.end(input);
  try {
    await Promise.race([once(child.stdout, 'readable'), ended]);
    if (child.stdout.readableLength === 0) throw new GitError(args, (await ended) ?? undefined, complaint);
    if (stallSeconds !== undefined) response.setTimeout(stallSeconds * 1000);
    for (const [name, value] of Object.entries(head)) response.setHeader(name, value);
    await pipeline(child.stdout, response, { end: false });
    // Cut off rather than ended, so that half of it is not taken for the whole.
    if ((await ended) === 0) response.end();
    else response.destroy();
  } catch (error) {
    if (!response.headersSent && !response.destroyed) throw error;
    response.destroy();
  } finally {
    clearTimeout(timer);
    stop();
  }
}
