// What signs in: SSH keys of one's account and of repositories, and tokens.
import { Option, type Command } from 'commander';
import { examples, tokenScopes, type Choose } from '../options.ts';

const repoText = 'the repository, in place of what the remotes say';

export function addKeys(program: Command, choose: Choose): void {
  const commands = program
    .command('key')
    .description('ssh keys of your account, and deploy keys of repositories')
    .addHelpText('after', examples('ph key add', 'ph key list', 'ph key remove 3'));
  const common = (command: Command): Command =>
    command
      .option('--deploy', 'deploy keys of the repository, which reach nothing but it')
      .option('--repo <owner/name>', repoText)
      .option('--json', 'answer in JSON');
  common(commands.command('add'))
    .argument('[file]', 'the public key, - for standard input; without it ~/.ssh/id_ed25519.pub')
    .description('add one')
    .option('--label <text>', 'what it is called; without it the comment of the key')
    .option('--write', 'a deploy key that may push as well')
    .addHelpText(
      'after',
      examples('ph key add', 'ph key add laptop.pub --label laptop', 'ph key add robot.pub --deploy --write'),
    )
    .action((file, options) =>
      choose(async () => (await import('../commands/key.ts')).addKey(file, options)),
    );
  common(commands.command('list'))
    .description('your keys, or those of the repository')
    .addHelpText('after', examples('ph key list', 'ph key list --deploy --json'))
    .action((options) => choose(async () => (await import('../commands/key.ts')).listKeys(options)));
  common(commands.command('remove'))
    .argument('<key>', 'its number or its fingerprint, as ph key list says')
    .description('take one away; nobody signs in with it any more')
    .addHelpText('after', examples('ph key remove 3', 'ph key remove 7 --deploy'))
    .action((key, options) =>
      choose(async () => (await import('../commands/key.ts')).removeKey(key, options)),
    );
}

export function addTokens(program: Command, choose: Choose): void {
  const commands = program
    .command('token')
    .description('tokens of your account, for agents and programs')
    .addHelpText('after', examples('ph token create --label ci', 'ph token list', 'ph token revoke 3'));
  commands
    .command('create')
    .description('make one; it is printed once and kept nowhere')
    .addOption(new Option('--scope <scope>', 'what it may do').choices(tokenScopes).default('write'))
    .option('--label <text>', 'what it is for')
    .option('--repo <owner/name>', 'good for this repository alone')
    .option('--days <number>', 'how long it is good; without it for ever')
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      examples(
        'ph token create --label robot --repo ada/app --days 90',
        'PH_TOKEN=$(ph token create --scope read) ph status',
      ),
    )
    .action((options) => choose(async () => (await import('../commands/token.ts')).createToken(options)));
  commands
    .command('list')
    .description('those that still work, and when each was used last; never the tokens themselves')
    .option('--json', 'answer in JSON')
    .addHelpText('after', examples('ph token list', 'ph token list --json'))
    .action((options) => choose(async () => (await import('../commands/token.ts')).listTokens(options)));
  commands
    .command('revoke')
    .argument('<number>', 'its number, as ph token list says')
    .description('take one back; from now on it is refused')
    .option('--json', 'answer in JSON')
    .addHelpText('after', examples('ph token revoke 3'))
    .action((number, options) =>
      choose(async () => (await import('../commands/token.ts')).revokeToken(number, options)),
    );
}
