// The commands that protect patterns of branch names. The operator acts as the forge itself, which maintains everything.
import { z } from 'zod';
import { systemCaller } from '../accounts/system.ts';
import type { Forge } from '../forge/open.ts';
import { fullName } from '../repos/model.ts';
import { addProtection, removeProtection } from '../repos/protect.ts';
import { listProtected, type ProtectedPattern } from '../repos/protected.ts';
import { namedRepo, repoArgument as repo } from './named-repo.ts';

export const protectList = z.strictObject({ command: z.literal('protect list'), repo });
export const protectChange = z.strictObject({
  command: z.enum(['protect add', 'protect remove']),
  repo,
  pattern: z.string(),
});
export type ProtectRequest = z.output<typeof protectList> | z.output<typeof protectChange>;

export async function answerProtect(
  forge: Forge,
  request: ProtectRequest,
): Promise<{ ok: boolean; text: string; json: Record<string, unknown> }> {
  const named = namedRepo(forge, request.repo);
  if (request.command !== 'protect list') {
    const order = { repo: named, caller: systemCaller(forge), pattern: request.pattern };
    if (request.command === 'protect add') addProtection(forge, order);
    else removeProtection(forge, order);
  }
  const { patterns } = await listProtected(forge, named);
  const lines = [`default branch  ${named.defaultBranch}`, ...patterns.map(lineOf)];
  return {
    ok: true,
    text: [`${fullName(named)} takes no direct push on:`, ...lines.map((line) => `  ${line}`)].join('\n'),
    json: { repo: fullName(named), defaultBranch: named.defaultBranch, patterns },
  };
}

function lineOf({ pattern, branches, total }: ProtectedPattern): string {
  const more = total > branches.length ? ` and ${total - branches.length} more` : '';
  return `${pattern}  ${total === 0 ? '(matches no branch now)' : branches.join(', ') + more}`;
}
