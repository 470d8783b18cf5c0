// What `squeue --json` says of jobs, in the few words that matter here. Slurm changed the form of some values over the
// years (a state became a list of states, a number an object); all forms since 22.05 are read.
import { z } from 'zod';

/** `ending`: its programs are being ended, or its node does not answer. */
export type JobPhase = 'waiting' | 'running' | 'ending' | 'ended';

export interface SlurmJob {
  jobId: number;
  phase: JobPhase;
  /** Slurm's own word: PENDING, RUNNING, NODE_FAIL, … */
  state: string;
  /** Why it waits, or why it ended: Resources, Priority, NodeDown, …; empty when Slurm says None. */
  reason: string;
  node: string | undefined;
  exitCode: number;
  comment: string;
  /** Who has it; undefined where Slurm does not say. */
  userId: number | undefined;
}

const exitCode = z.union([
  // Up to 22.05 as `wait` gives it.
  z.number().transform((status) => (status > 255 ? status >> 8 : status)),
  z.object({ return_code: z.union([z.number(), z.object({ number: z.number() })]) }).transform((exit) => {
    const code = exit.return_code;
    return typeof code === 'number' ? code : code.number;
  }),
]);

const jobShape = z.object({
  job_id: z.number(),
  job_state: z.union([z.string(), z.array(z.string())]),
  state_reason: z.string().nullish(),
  nodes: z.string().nullish(),
  batch_host: z.string().nullish(),
  comment: z.string().nullish(),
  user_id: z.number().nullish().catch(undefined),
  exit_code: exitCode.catch(0),
});

const answer = z.object({
  jobs: z.array(jobShape),
  errors: z.array(z.object({ error: z.string().nullish(), description: z.string().nullish() })).nullish(),
});

/** Throws where the text is no answer of squeue, and where squeue could not ask: it then prints an empty queue and is content. */
export function readQueue(text: string): SlurmJob[] {
  const { jobs, errors } = parseAnswer(text);
  const error = errors?.[0];
  if (error !== undefined) throw new Error(error.description || error.error || 'squeue could not ask');
  return jobs.map((job) => {
    const states = [job.job_state].flat();
    const { state_reason: reason } = job;
    return {
      jobId: job.job_id,
      phase: phaseOf(states),
      state: states[0] ?? 'UNKNOWN',
      reason: reason === undefined || reason === null || reason === 'None' ? '' : reason,
      node: job.batch_host || job.nodes || undefined,
      exitCode: job.exit_code,
      comment: job.comment ?? '',
      userId: job.user_id ?? undefined,
    };
  });
}

function parseAnswer(text: string): z.output<typeof answer> {
  try {
    return answer.parse(JSON.parse(text));
  } catch (error) {
    const beginning = text.trim().slice(0, 100);
    throw new Error(`squeue --json answered what is no queue: ${beginning || 'nothing'}`, { cause: error });
  }
}

const waiting = new Set([
  'PENDING',
  'CONFIGURING',
  'REQUEUED',
  'REQUEUE_HOLD',
  'REQUEUE_FED',
  'RESV_DEL_HOLD',
  'SPECIAL_EXIT',
]);
const running = new Set(['RUNNING', 'SUSPENDED', 'STOPPED', 'RESIZING', 'SIGNALING']);
const ending = new Set(['COMPLETING', 'STAGE_OUT']);

function phaseOf(states: readonly string[]): JobPhase {
  if (states.some((state) => ending.has(state))) return 'ending';
  if (states.some((state) => waiting.has(state))) return 'waiting';
  return states.some((state) => running.has(state)) ? 'running' : 'ended';
}

const words: Record<string, string> = {
  Resources: 'every node that fits is taken, drained or down',
  Priority: 'others come before it',
  ReqNodeNotAvail: 'a node that it needs is drained or down',
  NodeDown: 'a node that it needs is down',
  PartitionDown: 'the partition is down',
  PartitionInactive: 'the partition takes nothing now',
  PartitionTimeLimit: 'its time limit is more than the partition gives',
  PartitionNodeLimit: 'the partition has no node that is large enough',
  PartitionConfig: 'the partition has no node that is large enough',
  BadConstraints: 'no node has what the target asks for',
  JobHeldAdmin: 'an administrator of the cluster holds it',
  JobHeldUser: 'somebody holds it',
  Licenses: 'its licenses are taken',
  Reservation: 'its reservation has not begun',
};

// No time brings these about; only an operator does.
const hopeless = new Set(['PartitionTimeLimit', 'PartitionNodeLimit', 'BadConstraints']);

export const isHopeless = (reason: string): boolean => hopeless.has(/^\w+/.exec(reason)?.[0] ?? '');

/** `Resources: every node that fits is taken, drained or down`. */
export function explainReason(reason: string): string {
  const name = /^\w+/.exec(reason)?.[0] ?? '';
  const known = words[name];
  if (reason === '') return 'it was not looked at yet';
  if (known !== undefined) return `${reason}: ${known}`;
  return /Max|Grp/.test(name) ? `${reason}: a limit of the cluster is reached` : reason;
}
