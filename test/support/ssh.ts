// Keys by ssh-keygen, and the command that makes git and ssh use one key and nothing of the machine.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { outputOf } from './run-program.ts';

export interface SshKey {
  /** The private key's file; the public one has `.pub` behind it. */
  file: string;
  publicText: string;
}

export async function makeKey(folder: string, name = 'id_ed25519'): Promise<SshKey> {
  const file = join(folder, name);
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder };
  await outputOf(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file], {
    cwd: folder,
    env,
  });
  return { file, publicText: readFileSync(`${file}.pub`, 'utf8').trim() };
}

/** The ssh client with this key alone; it learns the server's key on first sight, in a file of its own. */
export function sshArguments(key: SshKey, port?: number): string[] {
  return [
    'ssh',
    '-F',
    '/dev/null',
    ...(port === undefined ? [] : ['-p', String(port)]),
    '-i',
    key.file,
    ...[
      'IdentitiesOnly=yes',
      'IdentityAgent=none',
      'BatchMode=yes',
      'LogLevel=ERROR',
      'StrictHostKeyChecking=accept-new',
      `UserKnownHostsFile=${key.file}.known_hosts`,
    ].flatMap((option) => ['-o', option]),
  ];
}
