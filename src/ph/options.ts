// What the commands of ph have in common: how they name a branch and a repository, and how their examples are shown.
import type { Command } from 'commander';
import type { TokenScope } from '../accounts/model.ts';

/** What a command does, read and run after the command line is understood. */
export type Action = () => Promise<number>;

/** What a group of commands is given, to say which action the command line asks for. */
export type Choose = (action: Action) => void;

const branchHelp = 'name or number of a branch; without it the one that is checked out';

export const branchCommand = (program: Command, name: string): Command =>
  repoOptions(program.command(name).argument('[branch]', branchHelp));

export const repoOptions = (command: Command): Command =>
  command
    .option('--repo <owner/name>', 'another repository than the remotes say')
    .option('--json', 'answer in JSON');

export const examples = (...lines: string[]): string =>
  `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;

/** As the forge has them; its models load too slowly for a command that is only being described. */
export const tokenScopes: readonly TokenScope[] = ['read', 'write', 'admin'];
