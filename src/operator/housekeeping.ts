// The command that looks after repositories now, instead of when the loop finds it due.
import { z } from 'zod';
import { recordAudit } from '../accounts/audit.ts';
import { systemCaller } from '../accounts/system.ts';
import type { Forge } from '../forge/open.ts';
import { listRepos } from '../repos/find.ts';
import { keepRepo, type KeepAnswer } from '../repos/housekeeping.ts';
import type { Housekeeping } from '../repos/housekeeping-record.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { namedRepo, repoArgument } from './named-repo.ts';

export const housekeepingRequest = z.strictObject({
  command: z.literal('housekeeping'),
  /** All of them when it is left out. */
  repo: repoArgument.optional(),
});

export async function answerHousekeeping(
  forge: Forge,
  { repo }: z.output<typeof housekeepingRequest>,
): Promise<{ ok: boolean; text: string; json: Record<string, unknown> }> {
  const lines: string[] = [];
  const repos: Record<string, unknown>[] = [];
  let ok = true;
  const subject = repo ?? 'all repositories';
  recordAudit(forge, systemCaller(forge), { action: 'repo.housekeeping', subject });
  for (const each of repo === undefined ? listRepos(forge) : [namedRepo(forge, repo)]) {
    const answer = await keepRepo(forge, each, { everything: true });
    ok &&=
      answer.outcome !== 'put off' && !(answer.outcome === 'kept' && answer.housekeeping.state !== 'done');
    lines.push(`${fullName(each)}: ${describe(answer)}`);
    repos.push(shape(each, answer));
  }
  return { ok, text: lines.join('\n') || 'There is no repository yet.', json: { ok, repos } };
}

function describe(answer: KeepAnswer): string {
  if (answer.outcome === 'nothing to do') return 'nothing to do.';
  if (answer.outcome === 'put off') return 'a push is being received; try again in a moment.';
  const { steps, error, before, after } = answer.housekeeping;
  const did = steps.map(({ step, ms }) => (ms > 0 ? `${step} (${ms} ms)` : step)).join(', ') || 'nothing';
  const change =
    after === undefined
      ? ''
      : `; ${kib(before.bytes)} → ${kib(after.bytes)}, packs ${before.packs} → ${after.packs}, ` +
        `loose objects ${before.looseObjects} → ${after.looseObjects}, loose refs ${before.looseRefs} → ${after.looseRefs}`;
  return `${did}${change}.${error === undefined ? '' : `\n  FAILED  ${error.replaceAll('\n', '\n  FAILED  ')}`}`;
}

const kib = (bytes: number): string => `${Math.round(bytes / 1024)} KiB`;

function shape(repo: Repo, answer: KeepAnswer): Record<string, unknown> {
  const housekeeping: Partial<Housekeeping> = answer.outcome === 'kept' ? answer.housekeeping : {};
  const { state, steps, error, before, after } = housekeeping;
  return { repo: fullName(repo), outcome: answer.outcome, state, steps, error, before, after };
}
