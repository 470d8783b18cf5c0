// What only looks: at a branch, its CI, its logs, its page.
import type { Command } from 'commander';
import { branchCommand, examples, repoOptions, type Choose } from '../options.ts';

export function addReading(program: Command, choose: Choose): void {
  branchCommand(program, 'status')
    .description('branch, tutorial, CI and gate: what holds it, and the next command')
    .addHelpText('after', examples('ph status', 'ph status my-feature --json'))
    .action((b, options) => choose(async () => (await import('../commands/status.ts')).status(b, options)));
  branchCommand(program, 'wait')
    .description('wait for CI at the commit that is checked out here')
    .option('--timeout <time>', 'give up after 90s, 10m, 2h …', '1h')
    .option('--for <goal>', 'ci, or landed', 'ci')
    .addHelpText('after', examples('ph wait', 'ph wait --timeout 10m && ph merge'))
    .action((b, options) => choose(async () => (await import('../commands/wait.ts')).wait(b, options)));
  branchCommand(program, 'logs')
    .description('logs of the newest run, failing lanes first')
    .option('--failed', 'failing lanes alone')
    .option('--lane <lane>', 'this lane alone')
    .option('--attempt <number>', 'an earlier attempt of the lane')
    .option('-f, --follow', 'go on until the lane ends')
    .addHelpText('after', examples('ph logs --failed', 'ph logs --lane unit -f'))
    .action((b, options) => choose(async () => (await import('../commands/logs.ts')).logs(b, options)));
  branchCommand(program, 'url')
    .description('the address of the branch page')
    .addHelpText('after', examples('ph url', 'ph url 12'))
    .action((b, options) => choose(async () => (await import('../commands/url.ts')).url(b, options)));
  branchCommand(program, 'open')
    .description('open the branch page in your browser')
    .addHelpText('after', examples('ph open', 'BROWSER=firefox ph open 12'))
    .action((b, options) => choose(async () => (await import('../commands/open.ts')).open(b, options)));
  branchCommand(program, 'checkout')
    .description('bring a branch here and check it out')
    .addHelpText('after', examples('ph checkout my-feature', 'ph checkout 12'))
    .action((b, options) =>
      choose(async () => (await import('../commands/check-out.ts')).checkOut(b, options)),
    );
  repoOptions(program.command('list'))
    .description('the branches of the repository')
    .option('--state <state>', 'open, merged, closed or all', 'open')
    .addHelpText('after', examples('ph list', 'ph list --state all --json'))
    .action((options) => choose(async () => (await import('../commands/list.ts')).list(options)));
}
