// Named values for lanes.
import type { Command } from 'commander';
import { examples, repoOptions, type Choose } from '../options.ts';

export function addSecrets(program: Command, choose: Choose): void {
  const commands = program
    .command('secret')
    .description('named values that lanes find in their environment')
    .addHelpText('after', examples('ph secret set NPM_TOKEN < token.txt', 'ph secret list'));
  repoOptions(commands.command('set <name>'))
    .description('set one; its value comes from standard input, or is asked for and not shown')
    .option('--refs <patterns...>', 'branches that may have it, ** for all (first: the default branch alone)')
    .option('--value-file <file>', 'the value from a file, - for standard input')
    .option('--keep-value', 'change the branches alone')
    .addHelpText(
      'after',
      examples("ph secret set NPM_TOKEN --refs 'deploy/*' < token.txt", 'ph secret set NPM_TOKEN'),
    )
    .action((name, options) =>
      choose(async () => (await import('../commands/secret.ts')).setSecret(name, options)),
    );
  repoOptions(commands.command('list'))
    .description('their names and who may have them; never their values')
    .addHelpText('after', examples('ph secret list', 'ph secret list --json'))
    .action((options) => choose(async () => (await import('../commands/secret.ts')).listSecrets(options)));
  repoOptions(commands.command('remove <name>'))
    .description('take one away; lanes that run now keep it')
    .addHelpText('after', examples('ph secret remove NPM_TOKEN'))
    .action((name, options) =>
      choose(async () => (await import('../commands/secret.ts')).removeSecret(name, options)),
    );
}
