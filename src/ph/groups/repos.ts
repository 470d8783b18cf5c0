// Repositories: making them, listing them, and their settings.
import { Option, type Command } from 'commander';
import type { MergeMethod, Visibility } from '../../repos/model.ts';
import { examples, repoOptions, type Choose } from '../options.ts';

// Said again here, because reading the models would make every start of ph slower.
const visibilities: readonly Visibility[] = ['private', 'public'];
const methods: readonly MergeMethod[] = ['merge', 'squash', 'fast-forward'];

export function addRepos(program: Command, choose: Choose): void {
  const commands = program
    .command('repo')
    .description('repositories of the forge')
    .addHelpText('after', examples('ph repo create my-project', 'ph repo list'));
  addImport(commands, choose);
  commands
    .command('create')
    .argument('<name>', 'NAME, under your own name, or OWNER/NAME')
    .description('make a repository')
    .option('--public', 'everybody may read it (else: you, the admins and its members)')
    .option('--default-branch <branch>', 'in place of the one that is pushed first')
    .option('--description <text>', 'one line about it')
    .option('--remote <name>', 'add it to this checkout as a remote of this name')
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      examples('ph repo create my-project --remote pika', 'ph repo create team/site --public'),
    )
    .action((name, options) =>
      choose(async () => (await import('../commands/repo.ts')).createRepo(name, options)),
    );
  commands
    .command('list')
    .description('the repositories that you may see')
    .option('--json', 'answer in JSON')
    .addHelpText('after', examples('ph repo list', 'ph repo list --json'))
    .action((options) => choose(async () => (await import('../commands/repo.ts')).listRepos(options)));
  repoOptions(commands.command('rename').argument('<name>', 'its new name, without the owner'))
    .description('give the repository another name (needs the right maintain)')
    .addHelpText('after', examples('ph repo rename better-name'))
    .action((name, options) =>
      choose(async () => (await import('../commands/repo.ts')).renameRepo(name, options)),
    );
  repoOptions(commands.command('set'))
    .description('change settings of the repository (needs the right maintain)')
    .option('--description <text>', 'one line about it')
    .addOption(new Option('--visibility <who>', 'who may read it').choices(visibilities))
    .option('--default-branch <branch>', 'what branches land on')
    .addOption(new Option('--method <method>', 'how branches land').choices(methods))
    .addOption(new Option('--notes <state>', 'whether refs/notes may be pushed').choices(['on', 'off']))
    .addHelpText('after', examples('ph repo set --method squash', 'ph repo set --visibility public'))
    .action((options) => choose(async () => (await import('../commands/repo.ts')).setRepo(options)));
}

function addImport(commands: Command, choose: Choose): void {
  const load = () => import('../commands/import.ts');
  commands
    .command('import')
    .argument('<address>', 'https://HOST/OWNER/NAME, of GitHub, Gitea, Forgejo or any git server')
    .argument('[name]', 'NAME, under your own name, or OWNER/NAME (first: as it is called there)')
    .description('make a repository of one that is elsewhere, with all its branches and tags')
    .option('--token-file <file>', 'a token for a private one, from a file, - for standard input')
    .option('--user <name>', 'the user of the token; most servers take any')
    .option('--public', 'everybody may read it (else: you, the admins and its members)')
    .option('--same-visibility', 'public when it is public there')
    .option('--follow', 'go on following it: what moves there moves here')
    .option('--no-wait', 'do not wait until everything is here')
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      examples(
        'ph repo import https://github.com/owner/name',
        'ph repo import https://git.example.org/team/site site --follow --token-file token',
      ),
    )
    .action((address, name, options) =>
      choose(async () => (await load()).importRepo(address, name, options)),
    );
  repoOptions(commands.command('upstream'))
    .description('where the repository comes from, and how its pulls do (needs the right maintain)')
    .option('--pull', 'pull it now, and wait for the end')
    .option('--cancel', 'end the pull that runs')
    .addHelpText('after', examples('ph repo upstream', 'ph repo upstream --pull'))
    .action((options) => choose(async () => (await load()).showUpstream(options)));
}
