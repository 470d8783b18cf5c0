// The few commands of the forge over SSH: ssh -p PORT git@HOST help, and the sign-in of Git LFS.
import type { Caller } from '../accounts/model.ts';
import { createPass } from '../accounts/pass.ts';
import { requireOwnAccount } from '../accounts/guard.ts';
import { createLoginLink } from '../accounts/sign-in.ts';
import { recordAudit } from '../accounts/audit.ts';
import { publicOrigin, type Forge } from '../forge/open.ts';
import { findRepo } from '../repos/find.ts';
import { fullName } from '../repos/model.ts';
import { noSuchRepo, requireRight } from '../repos/rights.ts';
import { repoUrls } from '../repos/urls.ts';
import type { LfsOperation } from './model.ts';

export function answerCommand(forge: Forge, caller: Caller, name: 'help' | 'whoami' | 'login'): string {
  const account = caller.account?.name ?? 'nobody';
  if (name === 'whoami') return account;
  if (name === 'help') return help(forge, account);
  // A link without an account would make the first admin; that one is for the console alone.
  const { id } = requireOwnAccount(caller, 'admin');
  recordAudit(forge, caller, { action: 'login.link', subject: account });
  return createLoginLink(forge, { accountId: id });
}

function help(forge: Forge, account: string): string {
  const { ssh } = repoUrls(forge, { owner: account, name: 'NAME' });
  return [
    `Hello ${account}, this is the git server of ${publicOrigin(forge.config)}. It has no shell of this machine.`,
    '',
    `  git push ${ssh} main    push a repository; it is created if it does not exist`,
    '  shell OWNER/NAME RUN LANE    look into what a failed lane left behind, in its sandbox',
    '  login     print a link that signs you in in a browser, once, within five minutes',
    '  whoami    print the name of your account',
    '  help      print this',
  ].join('\n');
}

/**
 * What a client of Git LFS needs to go on over HTTP, as the JSON that its manual asks for
 * (git-lfs, docs/api/server-discovery.md). Refuses like a push or a clone of that repository.
 */
export function answerLfs(
  forge: Forge,
  caller: Caller,
  wanted: { operation: LfsOperation; owner: string; name: string },
): string {
  const { operation, owner, name } = wanted;
  const right = operation === 'upload' ? 'write' : 'read';
  const repo = findRepo(forge, owner, name);
  if (repo === undefined) throw noSuchRepo(`${owner}/${name}`, caller);
  requireRight(forge, caller, { repo, right });
  const seconds = forge.config.limits.lfsPassSeconds;
  const pass = createPass(forge, { caller, repoId: repo.id, right, seconds });
  recordAudit(forge, caller, { action: 'lfs.pass', subject: fullName(repo), detail: { operation } });
  return JSON.stringify({
    href: `${repoUrls(forge, repo).http}/info/lfs`,
    header: { Authorization: `Bearer ${pass}` },
    expires_in: seconds,
  });
}
