// The commands of ph with their options and examples. A command's code is read when it is called.
import { Argument, Command, CommanderError } from 'commander';
import { ForgeError, errorMessage } from '../lib/errors.ts';
import { exitStatus, exitStatusByCode, type ExitStatus } from '../lib/statuses.ts';
import type { Shell } from './completions.ts';
import { Failure } from './failure.ts';
import { branchCommand, examples, repoOptions, type Action } from './options.ts';
import { addOperating, addRecovery } from './recovery-program.ts';

const shells: readonly Shell[] = ['bash', 'zsh', 'fish'];

const statusHelp = `
Exit status: 0 done · 1 the answer is no · 2 wrong use · 3 not signed in or not allowed · 4 not found
             5 moved · 6 timed out · 7 forge unreachable

The forge and the repository come from the git remotes, the branch from HEAD. PH_URL and PH_TOKEN in the
environment stand in for a sign-in.`;

/** Runs the command line `argv` (with the two leading entries of process.argv) and answers the exit status. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  let action: Action | undefined;
  const program = createProgram((chosen) => {
    action = chosen;
  });
  try {
    await program.parseAsync([...argv]);
    return action === undefined ? exitStatus.done : await action();
  } catch (error) {
    return answerFailure(error, argv.includes('--json'));
  }
}

function createProgram(choose: (action: Action) => void): Command {
  const program = new Command('ph')
    .description('Watch and land branches of a pika-git forge from the command line.')
    .helpCommand(false)
    .showHelpAfterError('(ph --help shows how)')
    .exitOverride()
    .addHelpText('after', statusHelp);
  addSignIn(program, choose);
  addReading(program, choose);
  addRunning(program, choose);
  addRecovery(program, choose);
  addOperating(program, choose);
  addShell(program, choose);
  addLanding(program, choose);
  addSecrets(program, choose);
  addCompletions(program, choose);
  return program;
}

function addSignIn(program: Command, choose: (action: Action) => void): void {
  program
    .command('login [url]')
    .description('sign in to a forge')
    .option('--web', 'by approval in a browser (the default)')
    .option('--ssh', 'with the ssh key that git uses')
    .option('--token-file <file>', 'with a token from a file, - for standard input')
    .option('--nsec-file <file>', 'with a secret key of Nostr from a file; it signs here and is not sent')
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      examples(
        'ph login https://git.example.org',
        'ph login --ssh',
        'ph login https://git.example.org --token-file token.txt',
        'ph login https://git.example.org --nsec-file nostr.key',
      ),
    )
    .action((url, options) => choose(async () => (await import('./commands/login.ts')).login(url, options)));
  program
    .command('logout [url]')
    .description('sign out, and take the token back')
    .option('--json', 'answer in JSON')
    .addHelpText('after', examples('ph logout', 'ph logout https://git.example.org'))
    .action((url, options) =>
      choose(async () => (await import('./commands/logout.ts')).logout(url, options)),
    );
  program
    .command('whoami')
    .description('who you are on the forge')
    .option('--json', 'answer in JSON')
    .addHelpText('after', examples('ph whoami', 'ph whoami --json'))
    .action((options) => choose(async () => (await import('./commands/whoami.ts')).whoami(options)));
}

function addReading(program: Command, choose: (action: Action) => void): void {
  branchCommand(program, 'status')
    .description('branch, tutorial, CI and gate: what holds it, and the next command')
    .addHelpText('after', examples('ph status', 'ph status my-feature --json'))
    .action((b, options) => choose(async () => (await import('./commands/status.ts')).status(b, options)));
  branchCommand(program, 'wait')
    .description('wait for CI at the commit that is checked out here')
    .option('--timeout <time>', 'give up after 90s, 10m, 2h …', '1h')
    .option('--for <goal>', 'ci, or landed', 'ci')
    .addHelpText('after', examples('ph wait', 'ph wait --timeout 10m && ph merge'))
    .action((b, options) => choose(async () => (await import('./commands/wait.ts')).wait(b, options)));
  branchCommand(program, 'logs')
    .description('logs of the newest run, failing lanes first')
    .option('--failed', 'failing lanes alone')
    .option('--lane <lane>', 'this lane alone')
    .option('--attempt <number>', 'an earlier attempt of the lane')
    .option('-f, --follow', 'go on until the lane ends')
    .addHelpText('after', examples('ph logs --failed', 'ph logs --lane unit -f'))
    .action((b, options) => choose(async () => (await import('./commands/logs.ts')).logs(b, options)));
  branchCommand(program, 'url')
    .description('the address of the branch page')
    .addHelpText('after', examples('ph url', 'ph url 12'))
    .action((b, options) => choose(async () => (await import('./commands/url.ts')).url(b, options)));
  branchCommand(program, 'open')
    .description('open the branch page in your browser')
    .addHelpText('after', examples('ph open', 'BROWSER=firefox ph open 12'))
    .action((b, options) => choose(async () => (await import('./commands/open.ts')).open(b, options)));
  branchCommand(program, 'checkout')
    .description('bring a branch here and check it out')
    .addHelpText('after', examples('ph checkout my-feature', 'ph checkout 12'))
    .action((b, options) =>
      choose(async () => (await import('./commands/check-out.ts')).checkOut(b, options)),
    );
  repoOptions(program.command('list'))
    .description('the branches of the repository')
    .option('--state <state>', 'open, merged, closed or all', 'open')
    .addHelpText('after', examples('ph list', 'ph list --state all --json'))
    .action((options) => choose(async () => (await import('./commands/list.ts')).list(options)));
}

function addShell(program: Command, choose: (action: Action) => void): void {
  branchCommand(program, 'shell')
    .description('a shell in the workspace that a failed lane left behind')
    .option('--lane <lane>', 'this lane; not needed when one alone failed')
    .option('--attempt <number>', 'an earlier attempt of the lane')
    .addHelpText(
      'after',
      `${examples('ph shell', "echo 'cat build.log' | ph shell my-feature --lane unit")}\n\nThe exit status is that of the shell.`,
    )
    .action((b, options) => choose(async () => (await import('./commands/shell.ts')).shell(b, options)));
}

function addRunning(program: Command, choose: (action: Action) => void): void {
  program
    .command('run [lanes...]')
    .description('run lanes here, on the working tree, as the forge would')
    .option('--all', 'every lane, whatever has changed')
    .option('--target <branch>', 'the branch to compare with, in place of what the remote says')
    .option('--no-needs', 'named lanes alone, without what they need')
    .option('--own-env', 'your own environment and home in place of a clean one')
    .option('--list', 'say which lanes would run, and run none')
    .option('--json', 'answer in JSON; the output of lanes goes to standard error')
    .addHelpText('after', examples('ph run', 'ph run unit lint', 'ph run --list --target release/2'))
    .action((lanes, options) => choose(async () => (await import('./commands/run.ts')).run(lanes, options)));
}

function addLanding(program: Command, choose: (action: Action) => void): void {
  branchCommand(program, 'merge')
    .description('land the branch at the commit that is here, when its gate is open')
    .option('--message <text>', 'the commit message')
    .option('--head <commit>', 'the commit you mean, in place of the one that is here')
    .addHelpText('after', examples('ph merge', 'ph wait && ph merge'))
    .action((b, options) => choose(async () => (await import('./commands/merge.ts')).merge(b, options)));
  branchCommand(program, 'close')
    .description('close the branch without landing it; its revisions stay')
    .addHelpText('after', examples('ph close', 'ph close 12'))
    .action((b, options) => choose(async () => (await import('./commands/close.ts')).close(b, options)));
  branchCommand(program, 'reopen')
    .description('bring a closed branch back')
    .addHelpText('after', examples('ph reopen 12'))
    .action((b, options) => choose(async () => (await import('./commands/close.ts')).reopen(b, options)));
}

function addSecrets(program: Command, choose: (action: Action) => void): void {
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
      choose(async () => (await import('./commands/secret.ts')).setSecret(name, options)),
    );
  repoOptions(commands.command('list'))
    .description('their names and who may have them; never their values')
    .addHelpText('after', examples('ph secret list', 'ph secret list --json'))
    .action((options) => choose(async () => (await import('./commands/secret.ts')).listSecrets(options)));
  repoOptions(commands.command('remove <name>'))
    .description('take one away; lanes that run now keep it')
    .addHelpText('after', examples('ph secret remove NPM_TOKEN'))
    .action((name, options) =>
      choose(async () => (await import('./commands/secret.ts')).removeSecret(name, options)),
    );
}

function addCompletions(program: Command, choose: (action: Action) => void): void {
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
        const { completionScript } = await import('./completions.ts');
        process.stdout.write(completionScript(shell, program));
        return exitStatus.done;
      }),
    );
}

function answerFailure(error: unknown, json: boolean): ExitStatus {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.done : exitStatus.wrongUse;
  const { status, message, details } = understand(error);
  if (json) {
    const shown = details === undefined ? {} : { details };
    process.stdout.write(`${JSON.stringify({ error: { exitStatus: status, message, ...shown } })}\n`);
  }
  process.stderr.write(`ph: ${message}\n`);
  return status;
}

function understand(error: unknown): { status: ExitStatus; message: string; details?: unknown } {
  if (error instanceof Failure) return error;
  if (error instanceof ForgeError) return { status: exitStatusByCode[error.code], message: error.message };
  const message = `This is a fault of ph itself: ${errorMessage(error)}. Please report it.`;
  return { status: exitStatus.unreachable, message };
}
