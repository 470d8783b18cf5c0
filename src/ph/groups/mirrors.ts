// Other places that follow a repository.
import type { Command } from 'commander';
import { examples, repoOptions, type Choose } from '../options.ts';

const nameText = 'its name, as ph mirror list says';
const load = () => import('../commands/mirror.ts');

export function addMirrors(program: Command, choose: Choose): void {
  const commands = program
    .command('mirror')
    .description('other places, such as GitHub, that follow the repository')
    .addHelpText(
      'after',
      examples(
        'ph mirror add github git@github.com:ada/app.git --deploy-key',
        'ph mirror status github',
        'ph mirror sync github',
      ),
    );
  addSettings(commands, choose);
  addSyncing(commands, choose);
}

function addSettings(commands: Command, choose: Choose): void {
  const command = (name: string) => repoOptions(commands.command(name));
  const credential = (made: ReturnType<typeof command>) =>
    made
      .option('--token-file <file>', 'the token for an https address, from a file, - for standard input')
      .option('--user <name>', 'the user beside the token; most servers take any')
      .option('--deploy-key', 'for an ssh address: the forge makes a key, and prints what the remote needs')
      .option('--refs <patterns...>', 'which refs follow (first: refs/heads/** refs/tags/**); ! leaves out')
      .option('--statuses <url>', 'the repository in the API of GitHub, to be told how CI went');
  command('list')
    .description('where they are and how they do')
    .addHelpText('after', examples('ph mirror list', 'ph mirror list --json'))
    .action((options) => choose(async () => (await load()).listMirrors(options)));
  credential(command('add').argument('<name>', 'what you call it').argument('<url>', 'its address'))
    .description('add one; it is synced at once')
    .option('--off', 'not before it is on')
    .addHelpText(
      'after',
      examples(
        'ph mirror add github git@github.com:ada/app.git --deploy-key',
        'ph mirror add github https://github.com/ada/app.git --token-file - < token',
        "ph mirror add public https://example.org/app.git --refs 'refs/heads/main' 'refs/tags/**'",
      ),
    )
    .action((name, url, options) => choose(async () => (await load()).addMirror(name, url, options)));
  credential(command('set').argument('<name>', nameText))
    .description('change it; what is not named stays as it is')
    .option('--url <url>', 'another address; a token has to be given once more')
    .option('--no-credential', 'show the remote nothing')
    .option('--on', 'let it follow again')
    .option('--off', 'leave it as it is')
    .option('--forget-host-keys', 'believe the key that its server shows next')
    .addHelpText('after', examples('ph mirror set github --off', 'ph mirror set github --deploy-key'))
    .action((name, options) => choose(async () => (await load()).changeMirror(name, options)));
  command('remove')
    .argument('<name>', nameText)
    .description('remove it; what stands at the remote stays there')
    .addHelpText('after', examples('ph mirror remove github'))
    .action((name, options) => choose(async () => (await load()).removeMirror(name, options)));
}

function addSyncing(commands: Command, choose: Choose): void {
  const command = (name: string) => repoOptions(commands.command(name));
  command('sync')
    .argument('<name>', nameText)
    .description(
      'sync it now and wait for the end: 0 in step, 1 something did not arrive, 5 one runs already',
    )
    .addHelpText('after', examples('ph mirror sync github'))
    .action((name, options) => choose(async () => (await load()).syncMirror(name, options)));
  command('status')
    .argument('[name]', nameText)
    .option('--all', 'every ref, not only those that are not in step')
    .description('how it stands, ref by ref, and its newest syncs: 0 in step, 1 not')
    .addHelpText('after', examples('ph mirror status', 'ph mirror status github --all'))
    .action((name, options) => choose(async () => (await load()).showMirror(name, options)));
  command('overwrite')
    .argument('<name>', nameText)
    .argument('<ref>', 'the branch, or the whole name of the ref, that diverged')
    .description('replace what somebody else has put there')
    .addHelpText('after', examples('ph mirror overwrite github main'))
    .action((name, ref, options) => choose(async () => (await load()).overwriteRef(name, ref, options)));
}
