// What keeps a branch from landing: holds, drafts, and conflicts with its target.
import type { Command } from 'commander';
import { branchCommand, examples, type Choose } from '../options.ts';

export function addHolds(program: Command, choose: Choose): void {
  branchCommand(program, 'hold')
    .description('keep the branch from landing, with a reason')
    .requiredOption('--reason <text>', 'why; everybody who waits for the branch reads it')
    .option('--for <time>', 'until 30m, 4h, 3d … have passed; without it until somebody lifts the hold')
    .addHelpText(
      'after',
      examples("ph hold --reason 'after the release'", "ph hold 12 --reason 'the demo runs' --for 4h"),
    )
    .action((b, options) => choose(async () => (await import('../commands/hold.ts')).hold(b, options)));
  branchCommand(program, 'unhold')
    .description('lift the holds of the branch: your own, and any if you maintain the repository')
    .option('--id <number>', 'this hold alone')
    .addHelpText('after', examples('ph unhold', 'ph unhold 12 --id 3'))
    .action((b, options) => choose(async () => (await import('../commands/hold.ts')).unhold(b, options)));
  branchCommand(program, 'draft')
    .description('mark the branch as a draft, which does not land')
    .addHelpText('after', examples('ph draft', 'ph draft 12'))
    .action((b, options) => choose(async () => (await import('../commands/draft.ts')).draft(b, options)));
  branchCommand(program, 'ready')
    .description('mark a draft as ready to land')
    .addHelpText('after', examples('ph ready', 'ph ready && ph land'))
    .action((b, options) => choose(async () => (await import('../commands/draft.ts')).ready(b, options)));
  branchCommand(program, 'conflicts')
    .description('where the branch conflicts with its target, and the commands that settle it')
    .addHelpText('after', examples('ph conflicts', 'ph conflicts 12 --json'))
    .action((b, options) =>
      choose(async () => (await import('../commands/conflicts.ts')).conflicts(b, options)),
    );
}
