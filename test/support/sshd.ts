// The sshd of the system in front of a forge, on a port of its own, set up as the README says.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';
import { makeKey } from './ssh.ts';

export const sshdProgram = '/usr/sbin/sshd';
const launcher = fileURLToPath(new URL('../../src/pika-git', import.meta.url));

export interface Sshd {
  port: number;
  /** Who signs in: the user of this process, because it owns the forge. */
  user: string;
  /** `ssh://USER@127.0.0.1:PORT/OWNER/NAME.git`. */
  url: (fullName: string) => string;
  stop: () => Promise<void>;
}

/** Why it cannot be started here, for a skipped test. */
export function whyNoSshd(): string | undefined {
  // It changes to the user who signs in, and reads commands only from folders of root.
  if (process.getuid?.() !== 0) return 'sshd with an AuthorizedKeysCommand needs root';
  try {
    accessSync(sshdProgram, constants.X_OK);
    return undefined;
  } catch {
    return 'sshd is not installed; on Debian: sudo apt-get install openssh-server';
  }
}

export async function startSshd(data: string): Promise<Sshd> {
  const user = userInfo().username;
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  // Not in the temporary folder: everybody may write there, and sshd trusts no command below it.
  const folder = mkdtempSync('/run/pika-sshd-');
  const hostKey = await makeKey(folder, 'host_key');
  const keys = `${folder}/ssh-keys`;
  writeFileSync(
    keys,
    `#!/bin/sh\nPATH='${process.env['PATH']}' exec ${launcher} ssh-keys --data '${data}' "$@"\n`,
    { mode: 0o755 },
  );
  const port = await freePort();
  const config = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${hostKey.file}`,
    'PidFile none',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin forced-commands-only',
    `Match User ${user}`,
    '  AuthorizedKeysFile none',
    `  AuthorizedKeysCommand ${keys} %t %k`,
    `  AuthorizedKeysCommandUser ${user}`,
    '  AcceptEnv GIT_PROTOCOL',
    // The PATH of a machine with Node is the operator's to set; here it is that of the test.
    `  SetEnv PATH=${process.env['PATH']}`,
  ];
  writeFileSync(`${folder}/config`, `${config.join('\n')}\n`);
  const child = spawn(sshdProgram, ['-D', '-e', '-f', `${folder}/config`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await listening(child.stderr);
  return {
    port,
    user,
    url: (fullName) => `ssh://${user}@127.0.0.1:${port}/${fullName}.git`,
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until an sshd says that it listens. */
export async function listening(stderr: NodeJS.ReadableStream): Promise<void> {
  const said: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  createInterface({ input: stderr })
    .on('line', (line) => {
      said.push(line);
      if (line.includes('Server listening')) resolve();
    })
    .on('close', () => reject(new Error(`sshd did not start:\n${said.join('\n')}`)));
  await promise;
}
