// The landing queue: a branch joins it, and what is in it.
import { Option, type Command } from 'commander';
import { branchCommand, examples, repoOptions, type Choose } from '../options.ts';

export function addQueue(program: Command, choose: Choose): void {
  branchCommand(program, 'land')
    .description('put the branch into the landing queue at the commit that is here, and wait until it landed')
    .option('--no-wait', 'join the queue and return')
    .option('--priority', 'before everything that waits without it (who maintains the repository)')
    .option('--cancel', 'take it out of the queue')
    .addOption(
      new Option('--method <method>', 'how its commits land').choices(['merge', 'squash', 'fast-forward']),
    )
    .option('--message <text>', 'the commit message')
    .option('--head <commit>', 'the commit you mean, in place of the one that is here')
    .option('--timeout <time>', 'stop waiting after 90s, 10m, 2h …; the branch stays in the queue', '4h')
    .addHelpText(
      'after',
      examples('ph land', 'ph land 12 --no-wait', 'ph land --cancel', 'git push && ph land --timeout 30m'),
    )
    .action((b, options) => choose(async () => (await import('../commands/land.ts')).land(b, options)));
  repoOptions(program.command('queue'))
    .description('the landing queue: order, what each branch is tested with, and why it waits')
    .option('--target <branch>', 'the queue of this target alone')
    .option('--pause <reason>', 'start nothing new until it is resumed (who maintains the repository)')
    .option('--resume', 'let it go on')
    .addHelpText(
      'after',
      examples('ph queue', "ph queue --pause 'cutting 2.8.1, back at noon'", 'ph queue --resume'),
    )
    .action((options) => choose(async () => (await import('../commands/queue.ts')).queue(options)));
}
