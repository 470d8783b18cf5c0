// The pika-git command.
import { enableCompileCache } from 'node:module';

enableCompileCache();
const argv = process.argv.slice(2);
const status = await run();
// A start that failed half-way leaves sockets open; once all is written, the status is the end of it all the same.
process.stdout.write('', () => process.exit(status));

/** sshd starts two of the commands for every connection, so these load nothing of the others. */
async function run(): Promise<number> {
  if (argv[0] === 'ssh-keys') {
    const { listSshKeys } = await import('./operator/ssh-keys.ts');
    return listSshKeys(argv.slice(1));
  }
  if (argv[0] === 'ssh-serve') {
    const { serveSshClient } = await import('./operator/ssh-serve.ts');
    const { SSH_ORIGINAL_COMMAND: command, SSH_CONNECTION: connection, GIT_PROTOCOL: protocol } = process.env;
    return serveSshClient(argv.slice(1), { command, connection, protocol });
  }
  const { runOperator } = await import('./operator/cli.ts');
  return runOperator(argv);
}
