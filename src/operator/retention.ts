// The command that removes what may go now, or says what would go and why.
import { z } from 'zod';
import { systemCaller } from '../accounts/system.ts';
import { Keeping } from '../ci/lanes/keeping.ts';
import { mebibytes } from '../ci/sizes.ts';
import type { Forge } from '../forge/open.ts';
import { retainOnly } from '../retention/pass.ts';
import { runRetention } from '../retention/run.ts';
import { retentionViewOf } from '../retention/view.ts';
import type { RetentionView, SumView } from '../retention/model.ts';

const shownThings = 200;

export const retentionRequest = z.strictObject({
  command: z.literal('retention'),
  dryRun: z.boolean().default(false),
});

export async function answerRetention(
  forge: Forge,
  { dryRun }: z.output<typeof retentionRequest>,
): Promise<{ ok: boolean; text: string; json: Record<string, unknown> }> {
  const keeper = new Keeping(forge);
  if (dryRun) {
    const view = await retentionViewOf(forge, keeper, shownThings);
    return { ok: true, text: describe(view), json: { ok: true, dryRun, ...view } };
  }
  const run = () => retainOnly(forge, keeper, new AbortController().signal);
  const { removed, failed } = await runRetention(forge, { run }, systemCaller(forge));
  const trouble = failed === 0 ? '' : `\n${failed} could not be removed; the log of the forge names them.`;
  const text = `${removed.length === 0 ? 'Nothing was to go.' : `Removed: ${sums(removed)}.`}${trouble}`;
  return { ok: failed === 0, text, json: { ok: failed === 0, dryRun, removed, failed } };
}

function describe(view: RetentionView): string {
  if (view.wouldGo.length === 0) return 'Nothing would go.';
  const lines = view.things.map(({ kind, repo, what, why, since }) => {
    const where = repo === null ? '' : ` (${repo})`;
    return `${kind.padEnd(12)} ${since.slice(0, 10)}  ${what}${where}: ${why}`;
  });
  const more = view.wouldGo.reduce((sum, { count }) => sum + count, 0) - view.things.length;
  if (more > 0) lines.push(`… and ${more} more`);
  return [...lines, `Would go: ${sums(view.wouldGo)}${view.isCut ? ' and more' : ''}.`].join('\n');
}

const sums = (list: readonly SumView[]): string =>
  list
    .map(({ kind, count, bytes }) => {
      const size = bytes === 0 ? '' : ` (${mebibytes(bytes)})`;
      return `${kind} ${count}${size}`;
    })
    .join(', ');
