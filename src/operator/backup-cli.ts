// The commands of backups. Making one is asked of the forge; looking at one and restoring one need no forge, and so are
// done here.
import { resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import type { Ask, CommonOptions, RestoreOptions, VerifyOptions } from './command-options.ts';

export interface BackupProgram {
  common: (command: Command) => Command;
  ask: Ask;
  setStatus: (status: number) => void;
}

interface MakeOptions extends CommonOptions {
  logs: boolean;
  artifacts: boolean;
  keep?: number;
}

export function describeBackups(program: Command, { common, ask, setStatus }: BackupProgram): void {
  const backup = common(program.command('backup'))
    .enablePositionalOptions()
    .argument('<folder>', 'where backups lie; each one adds what is new')
    .description('back up everything while the forge goes on')
    .option('--no-logs', 'leave out the logs and reports of lanes')
    .option('--no-artifacts', 'leave out the files that lanes kept')
    .option('--keep <count>', 'take away all but so many of the newest afterwards', count)
    .addHelpText('after', '\nbackup list FOLDER and backup verify FOLDER look at what is there.')
    .action((folder: string, options: MakeOptions) => {
      const { logs, artifacts, keep } = options;
      // What is not left out here is as the settings say.
      const left = { ...(logs ? {} : { logs }), ...(artifacts ? {} : { artifacts }) };
      const kept = keep === undefined ? {} : { keep };
      return ask(options, { command: 'backup', folder: resolve(folder), ...left, ...kept });
    });
  common(backup.command('list <folder>'))
    .description('the backups in a folder, the newest first')
    .action(async (folder: string, options: CommonOptions) => {
      const { runBackupList } = await import('./backup-verify.ts');
      setStatus(await runBackupList(resolve(folder), options));
    });
  common(backup.command('verify <folder>'))
    .description('read every byte of every backup and say whether it could be restored')
    .option('--backup <name>', 'this one alone')
    .option('--quick', 'hold the bytes against their checksums, and ask neither git nor SQLite')
    .option('--mend', 'take away what is damaged, so that the next backup brings it again')
    .action(async (folder: string, options: VerifyOptions) => {
      const { runBackupVerify } = await import('./backup-verify.ts');
      setStatus(await runBackupVerify(resolve(folder), options));
    });
  common(program.command('restore <folder>'))
    .description('bring a backup back into an empty data directory (--data)')
    .option('--backup <name>', 'which one; the newest when it is left out')
    .action(async (folder: string, options: RestoreOptions) => {
      const { runRestore } = await import('./restore.ts');
      setStatus(await runRestore(resolve(folder), options));
    });
}

function count(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('write a number from 1 on.');
}
