// Signing in and out.
import { Option, type Command } from 'commander';
import { examples, tokenScopes, type Choose } from '../options.ts';

export function addSignIn(program: Command, choose: Choose): void {
  program
    .command('login [url]')
    .description('sign in to a forge')
    .option('--web', 'by approval in a browser (the default)')
    .option('--ssh', 'with the ssh key that git uses')
    .option('--token-file <file>', 'with a token from a file, - for standard input')
    .option('--nsec-file <file>', 'with a secret key of Nostr from a file; it signs here and is not sent')
    .addOption(
      new Option('--scope <scope>', 'what ph may do; admin also for settings, keys, tokens and secrets')
        .choices(tokenScopes)
        .default('write'),
    )
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      examples(
        'ph login https://git.example.org',
        'ph login --ssh',
        'ph login --scope admin',
        'ph login https://git.example.org --token-file token.txt',
        'ph login https://git.example.org --nsec-file nostr.key',
      ),
    )
    .action((url, options) => choose(async () => (await import('../commands/login.ts')).login(url, options)));
  program
    .command('logout [url]')
    .description('sign out, and take the token back')
    .option('--json', 'answer in JSON')
    .addHelpText('after', examples('ph logout', 'ph logout https://git.example.org'))
    .action((url, options) =>
      choose(async () => (await import('../commands/logout.ts')).logout(url, options)),
    );
  program
    .command('whoami')
    .description('who you are on the forge')
    .option('--json', 'answer in JSON')
    .addHelpText('after', examples('ph whoami', 'ph whoami --json'))
    .action((options) => choose(async () => (await import('../commands/whoami.ts')).whoami(options)));
}
