// `pika-git ssh-serve`: the forced command of the system's sshd. It carries one client to the running forge and back,
// and decides nothing. It is started for every connection, so it loads as little as it can.
import { once } from 'node:events';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readFrames } from '../transport/local-frames.ts';
import { reachForge } from '../transport/reach-forge.ts';

const isDown =
  'The forge is not running at this moment; nothing was changed. Try again in a minute, or tell its operator.';

const watchMs = 2000;

/** What sshd says of the client; empty when it did not start this. */
export interface SshSurroundings {
  /** SSH_ORIGINAL_COMMAND: what the client wants to execute. */
  command: string | undefined;
  /** SSH_CONNECTION: address and port of the client, address and port of the server. */
  connection: string | undefined;
  /** GIT_PROTOCOL, where sshd has `AcceptEnv GIT_PROTOCOL`. */
  protocol: string | undefined;
}

/** Answers the exit status: that of git, or 1 with a sentence. */
export async function serveSshClient(argv: readonly string[], from: SshSurroundings): Promise<number> {
  const { key, data } = optionsOf(argv);
  if (key === undefined || from.connection === undefined) {
    return complain(
      'ssh-serve is for sshd alone: it is the forced command of the keys that ssh-keys prints.',
    );
  }
  const [address = ''] = from.connection.split(' ', 1);
  const { command = 'help', protocol } = from;
  const wanted = protocol === undefined ? {} : { protocol };
  const forge = await reachForge(data, { kind: 'serve', key, address, command, ...wanted });
  if (forge === undefined) return complain(isDown);
  // Nobody reads what would be written on: there is nobody to serve any more.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => forge.destroy());
  forge.on('error', () => undefined);
  process.stdin.on('error', () => forge.destroy()).pipe(forge);
  // A client that has sent everything and then goes is seen by nothing but the end of its sshd.
  const { ppid } = process;
  const watch = setInterval(() => process.ppid !== ppid && forge.destroy(), watchMs);
  try {
    for await (const { kind, content } of readFrames(forge)) {
      if (kind === 'x') return Number(content.toString());
      const stream = kind === 'o' ? process.stdout : process.stderr;
      if (!stream.write(content)) await once(stream, 'drain');
    }
  } catch {
    // The connection broke; it is told below.
  } finally {
    clearInterval(watch);
    forge.destroy();
  }
  return complain(
    'The forge ended in the middle. Try again in a minute; a push that was not confirmed may be missing.',
  );
}

function optionsOf(argv: readonly string[]): { key: string | undefined; data: string } {
  const options = { key: { type: 'string' }, data: { type: 'string' } } as const;
  const { values } = parseArgs({ args: [...argv], options, strict: false });
  const { key, data } = values;
  return {
    key: typeof key === 'string' ? key : undefined,
    data: resolve(typeof data === 'string' ? data : 'data'),
  };
}

function complain(sentence: string): number {
  process.stderr.write(`pika-git: ${sentence}\n`);
  return 1;
}
