// Makes a lane into a job: the options of sbatch, and the script that starts the agent on the node.
import type { SlurmTarget } from '../../../forge/slurm-settings.ts';
import { ForgeError, errorMessage } from '../../../lib/errors.ts';
import { bootScript, type Boot } from './boot-script.ts';
import { awayMinutes } from '../executor.ts';
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

/**
 * Slurm's number of the job. Refuses (`unavailable`); then Slurm may have the job all the same. Where no node is left but
 * those that lost the lane, or one of them has left the cluster, it may run there again: it would never run else.
 */
export async function submitJob(cluster: Cluster, order: JobOrder): Promise<number> {
  try {
    return await submitOnce(cluster, order);
  } catch (error) {
    const isAboutNodes = /node/i.test(errorMessage(error));
    if (order.excluded.length === 0 || !isAboutNodes) throw error;
    return await submitOnce(cluster, { ...order, excluded: [] });
  }
}

async function submitOnce(cluster: Cluster, order: JobOrder): Promise<number> {
  const answer = await runSlurm(cluster, 'sbatch', { args: optionsOf(order), input: bootScript(order.boot) });
  // `12`, or `12;cluster`; what a cluster adds of its own stands on other lines.
  const number = /^(\d{1,10})(?:;\S*)?$/m.exec(answer)?.[1];
  if (number !== undefined) return Number(number);
  const said = answer.trim().slice(0, 100) || 'nothing';
  throw new ForgeError('unavailable', `sbatch answered what is no number of a job: ${said}`);
}

/** Whether sbatch refused this lane for its own sake; others of its target may be taken. */
export const isAboutLane = (words: string): boolean => /time limit/i.test(words);

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
  const { partition, account, constraint, cpus, memoryMebibytes } = target;
  const { options, avoided } = splitOptions(target.options);
  const nowhere = [...excluded, ...avoided].join(',');
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
    `--time=${Math.ceil(timeoutSeconds / 60) + awayMinutes}`,
    `--cpus-per-task=${cpus}`,
    `--mem=${memoryMebibytes}M`,
    ...(partition === undefined ? [] : [`--partition=${partition}`]),
    ...(account === undefined ? [] : [`--account=${account}`]),
    ...(constraint === undefined ? [] : [`--constraint=${constraint}`]),
    ...(nowhere === '' ? [] : [`--exclude=${nowhere}`]),
    ...options,
  ];
}

/** sbatch knows one `--exclude`, the last: the operator's must not undo the forge's. */
function splitOptions(given: readonly string[]): { options: string[]; avoided: string[] } {
  const name = '--exclude=';
  const avoided = given
    .filter((option) => option.startsWith(name))
    .map((option) => option.slice(name.length));
  return { options: given.filter((option) => !option.startsWith(name)), avoided };
}
