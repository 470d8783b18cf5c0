// The only place that starts Slurm's commands. Each is asked with a time limit and the configuration of its cluster, and
// with nothing else of this forge's environment.
import { execFile } from 'node:child_process';
import { ForgeError, errorMessage } from '../../../lib/errors.ts';

export interface Cluster {
  /** The slurm.conf to use; undefined: the one that the commands find by themselves. */
  configFile: string | undefined;
  searchPath: string;
  timeoutMs: number;
  maxBytes: number;
  /** Ends what is being asked; the forge stops. */
  signal?: AbortSignal;
}

export type SlurmProgram = 'sbatch' | 'squeue' | 'scancel';

/** What the command printed. Refuses (`unavailable`) with Slurm's own words. */
export function runSlurm(
  cluster: Cluster,
  program: SlurmProgram,
  { args, input = '' }: { args: readonly string[]; input?: string },
): Promise<string> {
  const { configFile, searchPath, timeoutMs: timeout, maxBytes: maxBuffer, signal } = cluster;
  const env = {
    PATH: searchPath,
    LC_ALL: 'C',
    ...(configFile === undefined ? {} : { SLURM_CONF: configFile }),
  };
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const options = { env, cwd: '/', timeout, maxBuffer, signal, killSignal: 'SIGKILL' } as const;
  const child = execFile(program, [...args], options, (error, stdout, stderr) => {
    if (error === null) resolve(stdout);
    else reject(new ForgeError('unavailable', sentenceOf(program, error, stderr), { cause: error }));
  });
  // A command that ends before it has read everything says why in its own words.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  return promise;
}

function sentenceOf(
  program: SlurmProgram,
  error: Error & { killed?: boolean; code?: unknown },
  stderr: string,
): string {
  if (error.code === 'ENOENT') {
    return `${program} is not installed on the machine of the forge; on Debian: apt-get install slurm-client`;
  }
  if (error.killed === true) return `${program} did not answer in time`;
  // Slurm's lines begin with the program, and the one that says what is wrong comes before the one that sums it up:
  // "sbatch: error: Memory specification can not be satisfied", "sbatch: error: Batch job submission failed: …".
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const errors = lines.filter((line) => /^\w+: (?:error|fatal): /.test(line));
  const words = (errors.length > 0 ? errors : lines).map((line) =>
    line.replace(/^\w+: (?:\w+: )?/, '').trim(),
  );
  return words.join('; ').slice(0, maxWords) || errorMessage(error).slice(0, maxWords);
}

/** They stand on every lane that waits, and a program may say anything. */
const maxWords = 300;
