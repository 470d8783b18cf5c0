// What needs you, over all repositories.
import type { Command } from 'commander';
import { examples, type Choose } from '../options.ts';

export function addInbox(program: Command, choose: Choose): void {
  program
    .command('inbox')
    .description('what needs you: reviews, answers, red CI, what has landed')
    .option('--dismiss <branches...>', 'take branches out, each as owner/name#number')
    .option('--dismiss-all', 'take everything out')
    .option('--json', 'answer in JSON')
    .addHelpText('after', examples('ph inbox', "ph inbox --dismiss 'ada/app#12'", 'ph inbox --json'))
    .action((options) => choose(async () => (await import('../commands/inbox.ts')).inbox(options)));
}
