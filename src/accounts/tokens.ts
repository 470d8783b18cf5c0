// The tokens of an account as somebody manages them: his own, or an admin those of an agent.
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { recordAudit } from './audit.ts';
import { createTokenRow } from './create-token.ts';
import type { CreatedTokenView, TokenRequest, TokenView } from './credentials-model.ts';
import type { Account, Caller } from './model.ts';
import type { RepoNames } from './repo-names.ts';
import { listTokens, revokeToken, type TokenRow } from './store.ts';
import { isoTime, isoTimeOrNull } from '../lib/iso-time.ts';

const dayMs = 24 * 60 * 60_000;

interface Order {
  caller: Caller;
  /** Whose tokens they are. */
  account: Account;
}

/** Those that still work, oldest first. */
export function tokensOf(forge: Forge, repos: RepoNames, { caller, account }: Order): TokenView[] {
  const now = forge.clock.now();
  return listTokens(forge.db, account.id)
    .filter(({ expiresAt }) => expiresAt === null || expiresAt > now)
    .map((row) => viewOf(row, repos, caller));
}

/** Makes a token; the answer is the only one that has it. Refuses a repository that the caller may not see. */
export function issueToken(
  forge: Forge,
  repos: RepoNames,
  order: Order & { request: TokenRequest },
): CreatedTokenView {
  const { caller, account, request } = order;
  const { scope, repo, expiresInDays } = request;
  if (account.kind === 'agent' && scope === 'admin') {
    throw new ForgeError('invalid', `"${account.name}" is an agent; its tokens read or write.`);
  }
  const repoId = repo === undefined ? undefined : repos.idOf(caller, repo);
  const now = forge.clock.now();
  const expiresAt = expiresInDays === undefined ? undefined : now + expiresInDays * dayMs;
  const { id, secret } = createTokenRow(forge, {
    accountId: account.id,
    scope,
    label: request.label,
    repoId,
    expiresAt,
  });
  const row = listTokens(forge.db, account.id).find((token) => token.id === id);
  if (row === undefined) throw new Error('the new token is gone');
  const view = viewOf(row, repos, caller);
  recordAudit(forge, caller, {
    action: 'token.create',
    subject: account.name,
    detail: { id, scope, repo: view.repo, expiresAt: view.expiresAt },
  });
  return { ...view, token: secret };
}

/** What the token does from now on is refused; what it has begun goes on. */
export function revokeTokenOf(forge: Forge, { caller, account, id }: Order & { id: number }): void {
  if (!revokeToken(forge.db, { id, accountId: account.id, now: forge.clock.now() })) {
    throw new ForgeError('not_found', `${account.name} has no token ${id}; it may be gone already.`);
  }
  recordAudit(forge, caller, { action: 'token.remove', subject: account.name, detail: { id } });
}

function viewOf(row: TokenRow, repos: RepoNames, caller: Caller): TokenView {
  const { id, label, scope, repoId } = row;
  return {
    id,
    label,
    scope,
    repo: repoId === null ? null : (repos.nameOf(repoId) ?? null),
    createdAt: isoTime(row.createdAt),
    expiresAt: isoTimeOrNull(row.expiresAt),
    lastUsedAt: isoTimeOrNull(row.lastUsedAt),
    isCurrent: caller.credential === `token ${id}`,
  };
}
