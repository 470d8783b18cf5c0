// Reads the command line of pika-git, prints answers, and maps refusals to exit statuses.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { readConfig, type SettingsOverride } from '../forge/config.ts';
import { ForgeError, errorMessage } from '../lib/errors.ts';
import { systemRefusal } from '../lib/system-error.ts';
import { describeBackups } from './backup-cli.ts';
import type { Ask, CommonOptions } from './command-options.ts';
import { askRunningForge } from './ask-forge.ts';
import type { CommandAnswer } from './command-answer.ts';
import type { CommandRequest } from './commands.ts';

interface AccountOptions {
  role: 'admin' | 'member';
  sshKey?: string;
  npub?: string;
}

interface ServeOptions extends CommonOptions {
  http?: SettingsOverride;
  ssh?: SettingsOverride;
  welcome: boolean;
}

/** Runs one command line; answers the exit status: 0 done, 1 the answer is no, 2 wrong use. */
export async function runOperator(argv: readonly string[]): Promise<number> {
  let status = 0;
  const program = describeProgram((code) => {
    status = code;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const refusal = error instanceof ForgeError ? error : systemRefusal(error);
    if (refusal === undefined) throw error;
    process.stderr.write(`pika-git: ${refusal.message}\n`);
    return refusal.code === 'invalid' ? 2 : 1;
  }
}

function describeProgram(setStatus: (code: number) => void): Command {
  const program = new Command('pika-git')
    .description('A self-hosted git forge with an integrated CI scheduler.')
    .exitOverride()
    // What stands after a command belongs to it: backup and backup verify have options of the same names.
    .enablePositionalOptions()
    .addHelpText('after', '\nFor the sshd of the system, as the README says: ssh-keys and ssh-serve.')
    .showHelpAfterError('(pika-git --help lists the commands)');
  common(program.command('serve'))
    .description('start the forge; Ctrl-C stops it cleanly')
    .option(
      '--http <HOST:PORT>',
      'where pages, API and git over HTTP listen; port 0 = any (127.0.0.1:8787)',
      address,
    )
    .option('--ssh <HOST:PORT>', 'where git over SSH listens; port 0 = any (127.0.0.1:2222)', address)
    .option('--no-welcome', 'leave out the sample repository welcome/tour on the first start')
    .action(async (options: ServeOptions) => {
      const { runServe } = await import('./run-serve.ts');
      setStatus(await runServe(options));
    });
  const ask = (options: CommonOptions, request: CommandRequest) =>
    answer(options, request).then((ok) => setStatus(ok ? 0 : 1));
  const account = program.command('account').description('accounts of people and agents');
  common(account.command('add <name>'))
    .description('make an account')
    .addOption(new Option('--role <role>', 'what it may do').choices(['admin', 'member']).default('member'))
    .option('--ssh-key <file>', 'a public key file (id_ed25519.pub) to sign in and push with')
    .option('--npub <key>', 'a Nostr key (npub1…) to sign in with')
    .action((name: string, options: CommonOptions & AccountOptions) => {
      const key = options.sshKey === undefined ? {} : { keyText: readKeyFile(options.sshKey) };
      const nostr = options.npub === undefined ? {} : { npub: options.npub };
      return ask(options, { command: 'account add', name, role: options.role, ...key, ...nostr });
    });
  common(account.command('recover <name>'))
    .description('print a link that lets somebody in who lost every key and passkey; good once, for a day')
    .action((name: string, options: CommonOptions) => ask(options, { command: 'account recover', name }));
  const token = program.command('token').description('API tokens');
  common(token.command('create'))
    .description('make a token and print it; it is shown only once')
    .requiredOption('--account <name>', 'whose token')
    .addOption(
      new Option('--scope <scope>', 'what it may do').choices(['read', 'write', 'admin']).default('write'),
    )
    .action((options: CommonOptions & { account: string; scope: 'read' | 'write' | 'admin' }) =>
      ask(options, { command: 'token create', account: options.account, scope: options.scope }),
    );
  describeRepo(program, ask);
  describeProtect(program, ask);
  describeUpkeep(program, ask);
  describeBackups(program, { common, ask, setStatus });
  return program;
}

function describeRepo(program: Command, ask: Ask): void {
  const repo = program.command('repo').description('repositories');
  common(repo.command('create <owner/name>'))
    .description('make an empty repository')
    .option('--public', 'readable without signing in')
    .option('--default-branch <name>', 'the branch that others land on (the first one pushed, or main)')
    .action((name: string, options: CommonOptions & { public?: boolean; defaultBranch?: string }) => {
      const visibility = options.public === true ? 'public' : 'private';
      const chosen = options.defaultBranch === undefined ? {} : { defaultBranch: options.defaultBranch };
      return ask(options, { command: 'repo create', repo: name, visibility, ...chosen });
    });
  common(repo.command('import <owner/name> <path>'))
    .description('make a repository of one on this machine, with all its branches and tags')
    .option('--public', 'readable without signing in')
    .action((name: string, path: string, options: CommonOptions & { public?: boolean }) => {
      const visibility = options.public === true ? 'public' : 'private';
      return ask(options, { command: 'repo import', repo: name, path: resolve(path), visibility });
    });
}

function describeProtect(program: Command, ask: Ask): void {
  const protect = program.command('protect').description('branches that take no direct push');
  common(protect.command('list <owner/name>'))
    .description('the protected patterns of a repository and the branches they match now')
    .action((repo: string, options: CommonOptions) => ask(options, { command: 'protect list', repo }));
  common(protect.command('add <owner/name> <pattern>'))
    .description(
      'protect what a pattern matches: * is one part of a name, ** any number of parts, ? one character',
    )
    .action((repo: string, pattern: string, options: CommonOptions) =>
      ask(options, { command: 'protect add', repo, pattern }),
    );
  common(protect.command('remove <owner/name> <pattern>'))
    .description('take a pattern away again')
    .action((repo: string, pattern: string, options: CommonOptions) =>
      ask(options, { command: 'protect remove', repo, pattern }),
    );
}

function describeUpkeep(program: Command, ask: Ask): void {
  common(program.command('housekeeping [owner/name]'))
    .description('pack a repository, or every one, now; the forge does it by itself when it is due')
    .action((repo: string | undefined, options: CommonOptions) =>
      ask(options, { command: 'housekeeping', ...(repo === undefined ? {} : { repo }) }),
    );
  common(program.command('retention'))
    .description('remove what is too old or too much; the forge does it by itself every hour')
    .option('--dry-run', 'say what would go and why, and remove nothing')
    .action((options: CommonOptions & { dryRun?: boolean }) =>
      ask(options, { command: 'retention', dryRun: options.dryRun ?? false }),
    );
  common(program.command('doctor'))
    .description('look the forge over and say what is wrong and what to do')
    .option('--mend', 'put in order what is safe to: pins, HEAD, rows, locks, configuration, indexes')
    .option('--quick', 'look whether every object is there, not whether it is what it was')
    .action((options: CommonOptions & { mend?: boolean; quick?: boolean }) => {
      const { mend = false, quick = false } = options;
      return ask(options, { command: 'doctor', mend, quick });
    });
}

function common(command: Command): Command {
  return command
    .option('--data <dir>', 'the data directory', resolve('data'))
    .option('--json', 'print one line of JSON for machines')
    .exitOverride();
}

function address(text: string): SettingsOverride {
  const match = /^(.+):(\d{1,5})$/.exec(text);
  const host = match?.[1]?.replace(/^\[(.*)\]$/, '$1');
  const port = Number(match?.[2]);
  if (host === undefined || port > 65_535) {
    throw new InvalidArgumentError('write it as HOST:PORT, for example 127.0.0.1:8787.');
  }
  return { host, port };
}

function readKeyFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ForgeError('invalid', `The key file ${path} cannot be read: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

async function answer(options: CommonOptions, request: CommandRequest): Promise<boolean> {
  const result = await run(resolve(options.data), request);
  process.stdout.write(`${options.json === true ? JSON.stringify(result.json) : result.text}\n`);
  return result.ok;
}

/** A service may have a /tmp of its own, which goes with it: a backup there would be none. */
function requireSeen(folder: string): void {
  if (existsSync(folder)) return;
  throw new ForgeError(
    'conflict',
    `The forge wrote the backup to ${folder} as its service sees it, which is not there otherwise (PrivateTmp). Name another folder.`,
  );
}

/** What may be done before the first start; every other command is about a forge that is there. */
const setsUp: ReadonlySet<string> = new Set(['account add', 'repo create', 'repo import']);

/** Refuses (`invalid`) a folder without a forge, and root's hand in the data of a user who could then not write to them. */
function requireOwnForge(command: string, data: string, database: string): void {
  if (!existsSync(database)) {
    if (setsUp.has(command)) {
      process.stderr.write(`pika-git: there was no forge in ${data}; a new one is made there.\n`);
      return;
    }
    throw new ForgeError(
      'invalid',
      `There is no forge in ${data}; name its directory with --data DIR, or start one with: pika-git serve`,
    );
  }
  const { uid } = statSync(database);
  if (process.getuid?.() !== 0 || uid === 0) return;
  throw new ForgeError(
    'invalid',
    `${database} belongs to the user with the number ${uid}; ask as that user: sudo -u '#${uid}' pika-git …`,
  );
}

/** Asks the forge that runs on this data directory, or opens the directory when none runs. */
async function run(data: string, request: CommandRequest): Promise<CommandAnswer> {
  const config = readConfig(data);
  const answered = await askRunningForge(config.paths.controlSocket, request);
  if (answered !== undefined) {
    if (request.command === 'backup') requireSeen(request.folder);
    return answered;
  }
  const [{ openForge }, { parseRequest, runCommand }] = await Promise.all([
    import('../forge/open.ts'),
    import('./commands.ts'),
  ]);
  const parsed = parseRequest(request);
  requireOwnForge(request.command, data, config.paths.database);
  const forge = openForge(config);
  try {
    return await runCommand(forge, parsed);
  } finally {
    forge.db.close();
  }
}
