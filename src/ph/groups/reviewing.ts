// Reading a change and saying what one thinks of it.
import type { Command } from 'commander';
import { branchCommand, examples, type Choose } from '../options.ts';

export function addReviewing(program: Command, choose: Choose): void {
  addReading(program, choose);
  addSaying(program, choose);
}

function addReading(program: Command, choose: Choose): void {
  branchCommand(program, 'diff')
    .description('the difference between a branch and its merge base, as a patch')
    .option('--revision <number>', 'an earlier revision of the branch')
    .option('--since-review', 'what changed since your last review, without what a rebase brought')
    .option('--since <number>', 'what changed since an earlier revision')
    .option('--stat', 'the changed files alone')
    .addHelpText(
      'after',
      examples('ph diff', 'ph diff 12 --stat', 'ph diff 12 --since-review', 'ph diff 12 | git apply'),
    )
    .action((b, options) => choose(async () => (await import('../commands/diff.ts')).diff(b, options)));
  branchCommand(program, 'tutorial')
    .description('the guided explanation of a branch, step by step')
    .addHelpText('after', examples('ph tutorial', 'ph tutorial 12 --json'))
    .action((b, options) =>
      choose(async () => (await import('../commands/tutorial.ts')).tutorial(b, options)),
    );
}

function addSaying(program: Command, choose: Choose): void {
  branchCommand(program, 'comment')
    .description('read the threads of a branch, write in them, settle them')
    .option('--message <text>', 'what to say, in Markdown; without it the threads are shown')
    .option('--file <file>', 'a file with what to say')
    .option(
      '--at <path:line>',
      'the file, line or range that it is about: src/a.ts, src/a.ts:12, src/a.ts:10-12',
    )
    .option('--old', 'lines of the file as it was before')
    .option('--step <number>', 'the step of the tutorial that it is about')
    .option('--lane <lane>', 'the lane whose log it is about')
    .option('--log-lines <lines>', 'with --lane: the line or range of its log, 12 or 10-12')
    .option('--attempt <number>', 'with --lane: an earlier attempt')
    .option('--reply <thread>', 'answer in this thread')
    .option('--draft', 'keep it for yourself until you submit a review')
    .option('--resolve <thread>', 'mark a thread as settled')
    .option('--unresolve <thread>', 'open a settled thread again')
    .option('--apply <comment>', 'commit what this comment suggests, on the forge')
    .option('--open', 'show open threads alone')
    .addHelpText(
      'after',
      examples(
        'ph comment --open',
        'ph comment 12 --at src/a.ts:10-12 --message "Why twice?"',
        'ph comment 12 --step 2 --message "Could this come first?"',
        'ph comment 12 --lane unit --log-lines 40 --message "This warning is new."',
        'ph comment 12 --apply 31',
        'ph comment 12 --reply 7 --message "Done." && ph comment 12 --resolve 7',
      ),
    )
    .action((b, options) => choose(async () => (await import('../commands/comment.ts')).comment(b, options)));
  branchCommand(program, 'review')
    .description(
      'say what you think of a branch, with all your drafts; without a verdict, show what others think',
    )
    .option('--approve', 'it may land, for your part')
    .option('--changes', 'it must change first')
    .option('--comment', 'neither')
    .option('--ask <names>', 'ask others for a review, by name, with commas between them')
    .option('--message <text>', 'a word on the whole, in Markdown')
    .option('--head <commit>', 'the commit you have read, in place of the one that is here')
    .addHelpText(
      'after',
      examples(
        'ph review 12',
        'ph review 12 --ask ada,bob',
        'ph review 12 --approve',
        'ph review 12 --changes --message "Read the clock once."',
      ),
    )
    .action((b, options) => choose(async () => (await import('../commands/review.ts')).review(b, options)));
}
