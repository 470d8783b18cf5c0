// A folder on its way between the forge and a node, by the system's own program, which keeps links, modes and times.
import { spawn, type ChildProcess } from 'node:child_process';
import { lstat, mkdir, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ForgeError } from '../../lib/errors.ts';
import { removeTree } from '../../lib/remove-tree.ts';
import { mebibytes } from '../sizes.ts';

export interface TarTools {
  searchPath: string;
  /** Added to the environment of the program. */
  env?: Record<string, string>;
}

const maxEntries = 1_000_000;

/** The folder as a stream. `stop` ends it early; `ended` rejects when the program failed. */
export function packTree(folder: string, tools: TarTools) {
  const child = startTar(['-C', folder, '-cf', '-', '.'], tools);
  child.stdin.end();
  return { stream: child.stdout, ended: endOf(child), stop: () => void child.kill('SIGKILL') };
}

/**
 * Writes a stream out as a new folder. Refuses more than `maxBytes` (`too_large`) and what is neither file, folder nor link
 * (`invalid`); then nothing of it stays.
 */
export async function unpackTree(
  source: Readable,
  target: { folder: string; maxBytes: number },
  tools: TarTools,
): Promise<void> {
  const { folder, maxBytes } = target;
  await removeTree(folder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const child = startTar(['-C', folder, '-xpf', '-', '--no-same-owner'], tools);
  child.stdout.resume();
  const ended = endOf(child);
  // Whoever fails first is told of; the other one is ended.
  ended.catch(() => undefined);
  try {
    await pipeline(source, limit(maxBytes), child.stdin).catch(async (error: unknown) => {
      if (error instanceof ForgeError) throw error;
      await ended;
      throw error;
    });
    await ended;
    await refuseDevices(folder);
  } catch (error) {
    child.kill('SIGKILL');
    await ended.catch(() => undefined);
    await removeTree(folder);
    throw error;
  }
}

function startTar(args: readonly string[], { searchPath, env }: TarTools) {
  return spawn('tar', args, {
    env: { PATH: searchPath, LC_ALL: 'C', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

function endOf(child: ChildProcess & { stderr: Readable }): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(0, 300)));
  child.on('error', reject);
  child.on('close', (code) => {
    if (code === 0) resolve();
    else reject(new ForgeError('invalid', `tar could not do it: ${complaint.trim() || `status ${code}`}.`));
  });
  return promise;
}

function limit(maxBytes: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= maxBytes) done(null, chunk);
      else done(new ForgeError('too_large', `It is larger than ${mebibytes(maxBytes)}.`));
    },
  });
}

/** One by one, and no more than fit into the memory of the forge: a small file may unpack into millions. */
async function refuseDevices(folder: string): Promise<void> {
  const folders = [folder];
  let entries = 0;
  for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
    for await (const { name } of await opendir(at)) {
      entries += 1;
      if (entries > maxEntries) throw new ForgeError('too_large', `It has more than ${maxEntries} files.`);
      const there = await lstat(join(at, name));
      if (there.isDirectory()) folders.push(join(at, name));
      else if (!there.isFile() && !there.isSymbolicLink())
        throw new ForgeError('invalid', `${name} is neither a file nor a folder nor a link.`);
    }
  }
}
