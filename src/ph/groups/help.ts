// Help by topic, and what ph is for coding agents: a skill file and tools.
import type { Command } from 'commander';
import { isNear } from '../../lib/near-word.ts';
import { exitStatus } from '../../lib/statuses.ts';
import { wrongUse } from '../failure.ts';
import { examples, type Choose } from '../options.ts';

const topics = ['landing'] as const;

export function addHelp(program: Command, choose: Choose): void {
  program
    .command('help')
    .argument('[words...]', 'a command, or the topic landing')
    .description('how a command is used, or how a branch lands')
    .addHelpText('after', examples('ph help landing', 'ph help secret set'))
    .action((words: string[]) => choose(() => showHelp(program, words)));
  program
    .command('skill')
    .description('how to land a branch, as a skill file for coding agents')
    .addHelpText('after', examples('ph skill > SKILL.md'))
    .action(() =>
      choose(async () => {
        const { skillText } = await import('../../help/model.ts');
        process.stdout.write(skillText());
        return exitStatus.done;
      }),
    );
  program
    .command('mcp')
    .description('the same commands as tools for coding agents (Model Context Protocol on stdio)')
    .addHelpText(
      'after',
      `${examples('ph mcp')}\n\nNot for people: an agent starts it in a clone, with the command "ph" and the argument "mcp", and ends it by\nclosing its standard input. Logs are its resources.`,
    )
    .action(() => choose(async () => (await import('../commands/mcp.ts')).mcp(program)));
}

async function showHelp(program: Command, words: readonly string[]): Promise<number> {
  if (words.length === 1 && words[0] === 'landing') {
    const { landFlowText } = await import('../../help/model.ts');
    process.stdout.write(landFlowText());
    return exitStatus.done;
  }
  let command = program;
  for (const word of words) {
    const child = command.commands.find((candidate) => candidate.name() === word);
    if (child === undefined) throw wrongUse(`There is no help on ${word}.${meant(word, command)}`);
    command = child;
  }
  command.outputHelp();
  return exitStatus.done;
}

function meant(word: string, { commands }: Command): string {
  const known = [...commands.map((command) => command.name()), ...topics];
  const near = known.filter((name) => isNear(name, word));
  return near.length > 0 ? ` Did you mean ${near.join(' or ')}?` : ' ph help lists the commands.';
}
