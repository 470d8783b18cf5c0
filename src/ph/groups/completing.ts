// Scripts that complete ph in a shell.
import { Argument, type Command } from 'commander';
import { exitStatus } from '../../lib/statuses.ts';
import type { Shell } from '../completions.ts';
import { examples, type Choose } from '../options.ts';

const shells: readonly Shell[] = ['bash', 'zsh', 'fish'];

export function addCompletions(program: Command, choose: Choose): void {
  program
    .command('completions')
    .addArgument(new Argument('<shell>', 'which shell').choices(shells))
    .description('the script that completes ph in your shell')
    .addHelpText(
      'after',
      examples(
        'source <(ph completions bash)',
        'source <(ph completions zsh)',
        'ph completions fish > ~/.config/fish/completions/ph.fish',
      ),
    )
    .action((shell: Shell) =>
      choose(async () => {
        const { completionScript } = await import('../completions.ts');
        process.stdout.write(completionScript(shell, program));
        return exitStatus.done;
      }),
    );
}
