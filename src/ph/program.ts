// The command line of ph: its groups of commands, and what becomes of a failure. Each group stands in a file
// of groups/ with the options and examples of its commands, whose code is read when they are called.
import { Command, CommanderError } from 'commander';
import { ForgeError, errorMessage } from '../lib/errors.ts';
import { exitStatus, exitStatusByCode, type ExitStatus } from '../lib/statuses.ts';
import { version } from './built-in.ts';
import { Failure } from './failure.ts';
import { addCompletions } from './groups/completing.ts';
import { addKeys, addTokens } from './groups/credentials.ts';
import { addHelp } from './groups/help.ts';
import { addHolds } from './groups/holds.ts';
import { addInbox } from './groups/inbox.ts';
import { addLanding } from './groups/landing.ts';
import { addMirrors } from './groups/mirrors.ts';
import { addQueue } from './groups/queue.ts';
import { addReading } from './groups/reading.ts';
import { addOperating, addRecovery } from './groups/recovery.ts';
import { addRepos } from './groups/repos.ts';
import { addReviewing } from './groups/reviewing.ts';
import { addRunning, addShell } from './groups/running.ts';
import { addSecrets } from './groups/secrets.ts';
import { addSignIn } from './groups/sign-in.ts';
import { addWebhooks } from './groups/webhooks.ts';
import type { Action, Choose } from './options.ts';
import { clean, printJson, stderr } from './output.ts';

const statusHelp = `
Exit status: 0 done · 1 the answer is no · 2 wrong use · 3 not signed in or not allowed · 4 not found
             5 moved · 6 timed out · 7 forge unreachable

The forge and the repository come from the git remotes, the branch from HEAD. PH_URL and PH_TOKEN in the
environment stand in for a sign-in.

ph help landing tells how a branch lands. For coding agents: ph skill prints that as a skill file, and ph mcp
offers these commands as tools.`;

/** The commands by what they are for, in the order of --help. */
const groups: readonly { heading: string; add: readonly ((program: Command, choose: Choose) => void)[] }[] = [
  { heading: 'Signing in:', add: [addSignIn] },
  { heading: 'Looking at a branch:', add: [addReading, addReviewing, addInbox] },
  { heading: 'Lanes:', add: [addRunning, addRecovery, addShell] },
  { heading: 'Landing:', add: [addLanding, addQueue, addHolds] },
  { heading: 'Setting up:', add: [addKeys, addTokens, addSecrets, addRepos, addWebhooks, addMirrors] },
  { heading: 'For admins:', add: [addOperating] },
  { heading: 'Help:', add: [addHelp, addCompletions] },
];

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

/** Every command with its options, arguments and examples; `choose` is told what the parsed one does. */
export function createProgram(choose: Choose): Command {
  const program = new Command('ph')
    .description('Watch and land branches of a pika-git forge from the command line.')
    .version(version, '-V, --version', 'the version of ph')
    .helpCommand(false)
    .showHelpAfterError('(ph --help shows how)')
    .exitOverride()
    .configureHelp({ subcommandTerm: termOf })
    .addHelpText('after', statusHelp);
  for (const { heading, add } of groups) {
    program.commandsGroup(heading);
    for (const addCommands of add) addCommands(program, choose);
  }
  return program;
}

/** A command in a list: its name and arguments. That it has options goes without saying. */
const termOf = (command: Command): string => {
  const words = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...words].join(' ');
};

function answerFailure(error: unknown, json: boolean): ExitStatus {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.done : exitStatus.wrongUse;
  const { status, message, details } = understand(error);
  if (json) {
    const shown = details === undefined ? {} : { details };
    printJson({ error: { exitStatus: status, message, ...shown } });
  }
  stderr.line(`ph: ${clean(message)}`);
  return status;
}

function understand(error: unknown): { status: ExitStatus; message: string; details?: unknown } {
  if (error instanceof Failure) return error;
  if (error instanceof ForgeError) return { status: exitStatusByCode[error.code], message: error.message };
  const message = `This is a fault of ph itself: ${errorMessage(error)}. Please report it.`;
  return { status: exitStatus.unreachable, message };
}
