// Who may do what in a repository beside its owner and the admins: one role for each account.
import { recordAudit } from '../accounts/audit.ts';
import { getAccountByName, listAccounts } from '../accounts/find.ts';
import type { Caller } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { fullName, type Member, type MemberRole, type Repo } from './model.ts';
import { deleteMember, listMemberRows, putMember } from './store.ts';

const maxMembers = 1000;

interface Order {
  repo: Repo;
  caller: Caller;
  account: string;
}

export const listMembers = (forge: Forge, repo: Repo): Member[] => listMemberRows(forge.db, repo.id);

/** The accounts that could be added: everybody who is neither a member nor the owner. */
export function membersToBe(forge: Forge, repo: Repo): string[] {
  const taken = new Set(listMembers(forge, repo).map(({ name }) => name.toLowerCase()));
  taken.add(repo.owner.toLowerCase());
  return listAccounts(forge)
    .filter(({ kind, name }) => kind !== 'system' && !taken.has(name.toLowerCase()))
    .map(({ name }) => name);
}

/** Gives an account a role, in the place of the one it had. Refuses the owner (`invalid`), who has every right. */
export function setMember(
  forge: Forge,
  { repo, caller, account: name, role }: Order & { role: MemberRole },
): Member {
  const account = getAccountByName(forge, name);
  if (account.kind === 'system') throw new ForgeError('invalid', `"${account.name}" is the forge itself.`);
  if (account.name.toLowerCase() === repo.owner.toLowerCase()) {
    throw new ForgeError('invalid', `"${account.name}" owns ${fullName(repo)}, and has every right in it.`);
  }
  const members = listMembers(forge, repo);
  const before = members.find((member) => member.name === account.name);
  if (before === undefined && members.length >= maxMembers) {
    throw new ForgeError('limited', `A repository has at most ${maxMembers} members; remove one first.`);
  }
  if (before?.role !== role) {
    putMember(forge.db, { repoId: repo.id, accountId: account.id, role });
    const detail = { account: account.name, role, before: before?.role ?? null };
    recordAudit(forge, caller, { action: 'repo.member', subject: fullName(repo), detail });
  }
  return { name: account.name, kind: account.kind, role };
}

export function removeMember(forge: Forge, { repo, caller, account: name }: Order): void {
  const account = getAccountByName(forge, name);
  if (!deleteMember(forge.db, { repoId: repo.id, accountId: account.id })) {
    throw new ForgeError(
      'not_found',
      `"${account.name}" is no member of ${fullName(repo)}; it may be gone already.`,
    );
  }
  recordAudit(forge, caller, {
    action: 'repo.member.remove',
    subject: fullName(repo),
    detail: { account: account.name },
  });
}
