// Lets git run the hooks as a push would, and sees whether they do as the forge says. A hook that is missing, cannot
// be executed or was altered lets every push through, or none.
import type { Forge } from '../forge/open.ts';
import { answerHooks } from './answer-hooks.ts';
import { emptyRepo } from './empty-repo.ts';

const patienceMs = 10_000;

interface Probe {
  hook: 'pre-receive' | 'post-receive';
  /** What the forge answers: why the push is refused. */
  refusals: readonly string[];
  exitCode: number;
}

const probes: readonly Probe[] = [
  { hook: 'pre-receive', refusals: ['Only a probe.'], exitCode: 1 },
  { hook: 'pre-receive', refusals: [], exitCode: 0 },
  { hook: 'post-receive', refusals: [], exitCode: 0 },
];

/** The hooks that do not do their work; empty when all is well. */
export async function listIdleHooks(forge: Forge): Promise<string[]> {
  const repo = await emptyRepo(forge);
  const works = await Promise.all(probes.map((probe) => doesItsWork(forge, repo, probe)));
  return [...new Set(probes.filter((_probe, index) => works[index] !== true).map(({ hook }) => hook))];
}

async function doesItsWork(forge: Forge, repo: string, probe: Probe): Promise<boolean> {
  let isAsked = false;
  const child = forge.git.spawn(['hook', 'run', '--ignore-missing', probe.hook], {
    repo,
    env: { PIKA_PUSH_ID: 'probe', PIKA_SPOOL: '/nonexistent', PIKA_REPO_ID: '0', PIKA_ACTOR_ID: '0' },
    detached: true,
    endsWithForge: true,
    hookPipes: 2,
  });
  for (const stream of child.stdio) stream?.on('error', () => undefined);
  const asked = async (): Promise<string[]> => {
    isAsked = true;
    return [...probe.refusals];
  };
  const hooks = { check: asked, ring: asked, save: async () => undefined };
  answerHooks({ questions: child.stdio[3], replies: child.stdio[4] }, hooks);
  child.stdout.on('data', () => undefined);
  child.stderr.on('data', () => undefined);
  child.stdin.end();
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.on('error', () => resolve(null));
  child.on('close', resolve);
  const exitCode = await promise;
  clearTimeout(timer);
  return isAsked && exitCode === probe.exitCode;
}
