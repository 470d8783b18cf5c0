// The commands that bring stuck lanes and a stuck CI on: those about one run, and those of an admin about all of CI.
import type { Command } from 'commander';
import { branchCommand, examples, type Choose } from '../options.ts';

export function addRecovery(program: Command, choose: Choose): void {
  addReruns(program, choose);
  stuckLane(program, 'fail-lane')
    .description('give a lane its verdict by hand: failed (needs the right maintain)')
    .addHelpText('after', examples('ph fail-lane --lane e2e --reason "hangs on the old runner"'))
    .action((b, options) =>
      choose(async () => (await import('../commands/stuck-lane.ts')).failLane(b, options)),
    );
  stuckLane(program, 'requeue-lane')
    .description('take a lane from its thread and queue it anew (needs the right maintain)')
    .addHelpText('after', examples('ph requeue-lane --lane e2e', 'ph requeue-lane --run 12 --lane e2e'))
    .action((b, options) =>
      choose(async () => (await import('../commands/stuck-lane.ts')).requeueLane(b, options)),
    );
  runCommand(program, 'recover-run')
    .description('plan a run without lanes again, or run again what failed for the fault of the forge')
    .addHelpText('after', examples('ph recover-run', 'ph recover-run my-feature && ph wait my-feature'))
    .action((b, options) =>
      choose(async () => (await import('../commands/recover-run.ts')).recoverRun(b, options)),
    );
}

function addReruns(program: Command, choose: Choose): void {
  runCommand(program, 'rerun')
    .description('run the lanes of the newest run once more')
    .option('--failed', 'those alone that did not succeed')
    .option('--lane <lane>', 'this lane alone')
    .option('--tip', 'every lane, at the newest commit of the branch or nightly')
    .addHelpText(
      'after',
      examples('ph rerun --failed && ph wait', 'ph rerun my-feature --lane unit', 'ph rerun --run 12 --tip'),
    )
    .action((b, options) => choose(async () => (await import('../commands/rerun.ts')).rerun(b, options)));
  runCommand(program, 'cancel')
    .description('end what is queued or running of the newest run')
    .option('--lane <lane>', 'this lane alone')
    .option('--force', 'kill what runs, without asking it to end')
    .addHelpText('after', examples('ph cancel', 'ph cancel my-feature --lane soak', 'ph cancel --force'))
    .action((b, options) => choose(async () => (await import('../commands/rerun.ts')).cancel(b, options)));
}

/** What only an admin of the forge may do. */
export function addOperating(program: Command, choose: Choose): void {
  operatorCommand(program, 'ci')
    .description('what runs, what waits and why, the targets (for admins)')
    .addHelpText('after', examples('ph ci', 'ph ci --json'))
    .action((options) => choose(async () => (await import('../commands/ci.ts')).showCi(options)));
  operatorCommand(program, 'wake-ci')
    .description('have the scheduler look at everything now (for admins)')
    .option('--reason <text>', 'for the audit log')
    .addHelpText('after', examples('ph wake-ci'))
    .action((options) => choose(async () => (await import('../commands/ci.ts')).wakeCi(options)));
  operatorCommand(program, 'pause-ci')
    .description('start no lane until resume-ci; what runs goes on (for admins)')
    .requiredOption('--reason <text>', 'shown on every lane that waits')
    .addHelpText('after', examples('ph pause-ci --reason "the disk is being replaced"'))
    .action((options) => choose(async () => (await import('../commands/ci.ts')).pauseCi(options)));
  operatorCommand(program, 'resume-ci')
    .description('start lanes again after pause-ci (for admins)')
    .option('--reason <text>', 'for the audit log')
    .addHelpText('after', examples('ph resume-ci'))
    .action((options) => choose(async () => (await import('../commands/ci.ts')).resumeCi(options)));
  operatorCommand(program, 'clear-target')
    .argument('<target>', 'the name of the target')
    .description('take a target for healthy again, before its rest is over (for admins)')
    .option('--reason <text>', 'for the audit log')
    .addHelpText('after', examples('ph clear-target linux-big'))
    .action((target, options) =>
      choose(async () => (await import('../commands/ci.ts')).clearTarget(target, options)),
    );
}

const runCommand = (program: Command, name: string): Command =>
  branchCommand(program, name)
    .option('--run <number>', 'this run, in place of the newest of a branch')
    .option('--reason <text>', 'why, for the audit log and those who look at the lane');

const stuckLane = (program: Command, name: string): Command =>
  runCommand(program, name).option('--lane <lane>', 'this lane; without it the only one that has not ended');

const operatorCommand = (program: Command, name: string): Command =>
  program.command(name).option('--json', 'answer in JSON');
