// How a branch ends: landed, closed, or brought back.
import { Option, type Command } from 'commander';
import { branchCommand, examples, repoOptions, type Choose } from '../options.ts';

export function addLanding(program: Command, choose: Choose): void {
  branchCommand(program, 'merge')
    .description('land the branch at the commit that is here, when its gate is open')
    .option('--message <text>', 'the commit message')
    .addOption(
      new Option('--method <method>', 'in place of the usual one').choices([
        'merge',
        'squash',
        'fast-forward',
      ]),
    )
    .option('--head <commit>', 'the commit you mean, in place of the one that is here')
    .option('--force', 'merge past a closed gate; for who maintains the repository')
    .option('--reason <text>', 'why it is forced; the audit log keeps it')
    .addHelpText(
      'after',
      examples(
        'ph merge',
        'ph wait && ph merge',
        'ph merge --method squash --message "Add the parser"',
        'ph merge --force --reason "The lane tests a service that is gone"',
      ),
    )
    .action((b, options) => choose(async () => (await import('../commands/merge.ts')).merge(b, options)));
  branchCommand(program, 'close')
    .description('close the branch without landing it; its revisions stay')
    .addHelpText('after', examples('ph close', 'ph close 12'))
    .action((b, options) => choose(async () => (await import('../commands/close.ts')).close(b, options)));
  branchCommand(program, 'reopen')
    .description('bring a closed branch back')
    .addHelpText('after', examples('ph reopen 12'))
    .action((b, options) => choose(async () => (await import('../commands/close.ts')).reopen(b, options)));
  repoOptions(program.command('retarget'))
    .argument('<target>', 'the branch to land on')
    .argument('[branch]', 'name or number of a branch; without it the one that is checked out')
    .description('aim the branch at another target; it is a new revision then')
    .addHelpText('after', examples('ph retarget release/2', 'ph retarget main my-feature'))
    .action((target, b, options) =>
      choose(async () => (await import('../commands/retarget.ts')).retarget(target, b, options)),
    );
  repoOptions(program.command('revert'))
    .argument('<branch>', 'number or name of a merged branch')
    .description('make a new branch that takes back what a merged one brought')
    .option('--reason <text>', 'why; it stands in the message of the commit')
    .addHelpText('after', examples('ph revert 12', 'ph revert 12 --reason "It broke the build"'))
    .action((b, options) =>
      choose(async () => (await import('../commands/take-back.ts')).revert(b, options)),
    );
  repoOptions(program.command('restore'))
    .argument('<branch>', 'number or name of a merged branch')
    .description('make a new branch with the name and the head of a merged one')
    .addHelpText('after', examples('ph restore 12'))
    .action((b, options) =>
      choose(async () => (await import('../commands/take-back.ts')).restore(b, options)),
    );
}
