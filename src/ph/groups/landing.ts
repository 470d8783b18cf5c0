// How a branch ends: landed, closed, or brought back.
import type { Command } from 'commander';
import { branchCommand, examples, type Choose } from '../options.ts';

export function addLanding(program: Command, choose: Choose): void {
  branchCommand(program, 'merge')
    .description('land the branch at the commit that is here, when its gate is open')
    .option('--message <text>', 'the commit message')
    .option('--head <commit>', 'the commit you mean, in place of the one that is here')
    .addHelpText('after', examples('ph merge', 'ph wait && ph merge'))
    .action((b, options) => choose(async () => (await import('../commands/merge.ts')).merge(b, options)));
  branchCommand(program, 'close')
    .description('close the branch without landing it; its revisions stay')
    .addHelpText('after', examples('ph close', 'ph close 12'))
    .action((b, options) => choose(async () => (await import('../commands/close.ts')).close(b, options)));
  branchCommand(program, 'reopen')
    .description('bring a closed branch back')
    .addHelpText('after', examples('ph reopen 12'))
    .action((b, options) => choose(async () => (await import('../commands/close.ts')).reopen(b, options)));
}
