// Makes a lane into a job: the options of sbatch, and the script that starts the agent on the node.
import type { SlurmTarget } from '../../../forge/slurm-settings.ts';
import { bootScript, type Boot } from './boot-script.ts';
import { runSlurm, type Cluster } from './run-slurm.ts';

export interface JobOrder {
  /** Says which forge the job belongs to, and which row of its table it is. */
  comment: string;
  /** The lane's id. */
  name: string;
  timeoutSeconds: number;
  target: SlurmTarget;
  /** Nodes that lost this lane. */
  excluded: readonly string[];
  boot: Boot;
}

/** What a lane takes beside its own time: the checkout, caches, artifacts, and ending its programs. */
const besideMinutes = 15;

/** Slurm's number of the job. Refuses (`unavailable`); then Slurm may have the job all the same. */
export async function submitJob(cluster: Cluster, order: JobOrder): Promise<number> {
  const answer = await runSlurm(cluster, 'sbatch', { args: optionsOf(order), input: bootScript(order.boot) });
  // `12`, or `12;cluster`.
  return Number.parseInt(answer, 10);
}

/**
 * Another try is the forge's decision, so `--no-requeue`: after a lost node Slurm would start a second copy beside one that
 * may still live. What goes along is the environment of sbatch itself, which has nothing of the forge's but where to find it
 * (run-slurm.ts): told to take none, Slurm would log the user in on the node before each lane, for up to a second.
 */
export function optionsOf({
  comment,
  name,
  timeoutSeconds,
  target,
  excluded,
}: Omit<JobOrder, 'boot'>): string[] {
  const { partition, account, constraint, cpus, memoryMebibytes, options } = target;
  return [
    '--parsable',
    '--no-requeue',
    '--export=ALL',
    `--comment=${comment}`,
    `--job-name=${name.replace(/[^\w.-]+/g, '-').slice(0, 64)}`,
    '--chdir=/',
    '--input=/dev/null',
    '--output=/dev/null',
    '--error=/dev/null',
    '--nodes=1',
    '--ntasks=1',
    `--time=${Math.ceil(timeoutSeconds / 60) + besideMinutes}`,
    `--cpus-per-task=${cpus}`,
    `--mem=${memoryMebibytes}M`,
    ...(partition === undefined ? [] : [`--partition=${partition}`]),
    ...(account === undefined ? [] : [`--account=${account}`]),
    ...(constraint === undefined ? [] : [`--constraint=${constraint}`]),
    ...(excluded.length === 0 ? [] : [`--exclude=${excluded.join(',')}`]),
    ...options,
  ];
}
