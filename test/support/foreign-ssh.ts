// Somebody else's git server over SSH: a real sshd with bare repositories in a folder, and nothing of a forge.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { listening, sshdProgram } from './sshd.ts';
import { outputOf } from './run-program.ts';
import { makeKey } from './ssh.ts';

export interface ForeignSsh {
  port: number;
  /** Where the repositories lie. */
  folder: string;
  /** `ssh://USER@127.0.0.1:PORT/FOLDER/NAME`, with the repository made when it is not there. */
  repo: (name: string) => Promise<string>;
  /** Lets a key in. */
  authorize: (publicText: string) => void;
  /** The public half of the key it shows, as `ssh-keyscan` prints it. */
  hostKey: () => string;
  /** Starts again on the same port with another key. */
  newHostKey: () => Promise<void>;
  stop: () => Promise<void>;
}

/** Needs root, as `whyNoSshd` of sshd.ts says. */
export async function startForeignSsh(): Promise<ForeignSsh> {
  const user = userInfo().username;
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  // Not in the temporary folder: everybody may write there, and sshd trusts no file below it.
  const folder = mkdtempSync('/run/pika-foreign-');
  const authorized = join(folder, 'authorized_keys');
  writeFileSync(authorized, '', { mode: 0o600 });
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder };
  const port = await freePort();
  let keys = 0;
  let publicText = '';
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    keys += 1;
    const hostKey = await makeKey(folder, `host_key_${keys}`);
    publicText = hostKey.publicText;
    const lines = [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${hostKey.file}`,
      'PidFile none',
      'UsePAM no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      `AuthorizedKeysFile ${authorized}`,
      'AcceptEnv GIT_PROTOCOL',
      `SetEnv PATH=${process.env['PATH']}`,
    ];
    writeFileSync(join(folder, 'config'), `${lines.join('\n')}\n`);
    const program = spawn(sshdProgram, ['-D', '-e', '-f', join(folder, 'config')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child = program;
    await listening(program.stderr);
  };
  const end = async (): Promise<void> => {
    if (child === undefined) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  };
  await start();
  return {
    port,
    folder,
    repo: async (name) => {
      const path = join(folder, name);
      await outputOf(['git', 'init', '--quiet', '--bare', '--initial-branch=main', path], {
        cwd: folder,
        env,
      });
      return `ssh://${user}@127.0.0.1:${port}${path}`;
    },
    authorize: (text) => writeFileSync(authorized, `${text}\n`, { flag: 'a' }),
    hostKey: () => `[127.0.0.1]:${port} ${publicText}`,
    newHostKey: async () => {
      await end();
      await start();
    },
    stop: async () => {
      await end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
