// Lanes that run here, and a shell in what one left behind on the forge.
import type { Command } from 'commander';
import { branchCommand, examples, type Choose } from '../options.ts';

export function addRunning(program: Command, choose: Choose): void {
  program
    .command('run [lanes...]')
    .description('run lanes here, on the working tree, as the forge would')
    .option('--all', 'every lane, whatever has changed')
    .option('--target <branch>', 'the branch to compare with, in place of what the remote says')
    .option('--no-needs', 'named lanes alone, without what they need')
    .option('--own-env', 'your own environment and home in place of a clean one')
    .option('--list', 'say which lanes would run, and run none')
    .option('--json', 'answer in JSON; the output of lanes goes to standard error')
    .addHelpText('after', examples('ph run', 'ph run unit lint', 'ph run --list --target release/2'))
    .action((lanes, options) => choose(async () => (await import('../commands/run.ts')).run(lanes, options)));
}

export function addShell(program: Command, choose: Choose): void {
  branchCommand(program, 'shell')
    .description('a shell in the workspace that a failed lane left behind')
    .option('--lane <lane>', 'this lane; not needed when one alone failed')
    .option('--attempt <number>', 'an earlier attempt of the lane')
    .addHelpText(
      'after',
      `${examples('ph shell', "echo 'cat build.log' | ph shell my-feature --lane unit")}\n\nThe exit status is that of the shell.`,
    )
    .action((b, options) => choose(async () => (await import('../commands/shell.ts')).shell(b, options)));
}
