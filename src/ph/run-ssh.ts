// Runs ssh as git would: GIT_SSH_COMMAND counts, so that whoever can push can do this, too.
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { wrongUse } from './failure.ts';
import type { SshAddress } from './session.ts';

export interface SshOrder {
  address: SshAddress;
  /** For ssh itself, before the host. */
  options?: readonly string[];
  command: string;
  stdio: StdioOptions;
}

/** Starts it; `ended` is its exit status, or null when a signal ended it. */
export function runSsh(order: SshOrder): { child: ChildProcess; ended: Promise<number | null> } {
  const { host, port } = order.address;
  if (host.startsWith('-')) throw wrongUse(`"${host}" is no host.`);
  const program = process.env['GIT_SSH_COMMAND'] || 'ssh';
  const args = [...(order.options ?? []), '-p', String(port), `git@${host}`, order.command];
  // The variable is shell text by git's own definition; the arguments are not.
  const child = spawn('sh', ['-c', `${program} "$@"`, 'ssh', ...args], { stdio: order.stdio });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { child, ended };
}
