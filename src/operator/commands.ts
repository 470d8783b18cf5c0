// What an operator can ask of a forge, running or not: one table of commands, each with the shape of its
// request, what it does, and how its answer reads on a terminal. The operator acts with the rights of the machine:
// whoever can read the data directory is trusted.
import { z } from 'zod';
import { addKey } from '../accounts/add-key.ts';
import { recordAudit } from '../accounts/audit.ts';
import { createAccount } from '../accounts/create-account.ts';
import { createToken } from '../accounts/create-token.ts';
import { getAccountByName } from '../accounts/find.ts';
import { accountRoles, tokenScopes } from '../accounts/model.ts';
import { addNostrKey, parseNpub } from '../accounts/nostr-keys.ts';
import { createRecoveryLink } from '../accounts/recover-account.ts';
import { systemCaller } from '../accounts/system.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { createRepo } from '../repos/create-repo.ts';
import { visibilities } from '../repos/model.ts';
import { repoUrls } from '../repos/urls.ts';
import type { CommandAnswer } from './command-answer.ts';
import { answerBackup, backupRequest } from './backup.ts';
import { examine } from './doctor.ts';
import { answerHousekeeping, housekeepingRequest } from './housekeeping.ts';
import { answerImport, importRequest } from './import-repo.ts';
import { repoArgument } from './named-repo.ts';
import { answerProtect, protectChange, protectList } from './protect.ts';
import { answerRetention, retentionRequest } from './retention.ts';

const accountAdd = z.strictObject({
  name: z.string(),
  role: z.enum(accountRoles).default('member'),
  keyText: z.string().optional(),
  npub: z.string().optional(),
});
const accountRecover = z.strictObject({ command: z.literal('account recover'), name: z.string() });
const tokenCreate = z.strictObject({ account: z.string(), scope: z.enum(tokenScopes).default('write') });
const repoCreate = z.strictObject({
  repo: repoArgument,
  visibility: z.enum(visibilities).default('private'),
  defaultBranch: z.string().optional(),
});

const doctor = z.strictObject({
  command: z.literal('doctor'),
  mend: z.boolean().default(false),
  quick: z.boolean().default(false),
});

export const commandRequest = z.discriminatedUnion('command', [
  z.strictObject({ command: z.literal('account add'), ...accountAdd.shape }),
  accountRecover,
  z.strictObject({ command: z.literal('token create'), ...tokenCreate.shape }),
  z.strictObject({ command: z.literal('repo create'), ...repoCreate.shape }),
  importRequest,
  protectList,
  protectChange,
  housekeepingRequest,
  retentionRequest,
  backupRequest,
  doctor,
]);
export type CommandRequest = z.input<typeof commandRequest>;
type ParsedRequest = z.output<typeof commandRequest>;

/** Refuses (`invalid`) what is no command, or not of the shape that one has. */
export function parseRequest(given: unknown): ParsedRequest {
  const parsed = commandRequest.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new ForgeError('invalid', `${parsed.error.issues[0]?.message ?? 'not understood'}.`);
}

export function runCommand(forge: Forge, request: ParsedRequest): Promise<CommandAnswer> | CommandAnswer {
  switch (request.command) {
    case 'account add':
      return addAccount(forge, request);
    case 'account recover':
      return recoverAccount(forge, request.name);
    case 'token create':
      return makeToken(forge, request);
    case 'repo create':
      return makeRepo(forge, request);
    case 'repo import':
      return answerImport(forge, request);
    case 'protect add':
    case 'protect remove':
    case 'protect list':
      return answerProtect(forge, request);
    case 'retention':
      return answerRetention(forge, request);
    case 'housekeeping':
      return answerHousekeeping(forge, request);
    case 'backup':
      return answerBackup(forge, request);
    case 'doctor':
      return askDoctor(forge, request);
  }
}

function addAccount(forge: Forge, request: z.output<typeof accountAdd>): CommandAnswer {
  const { name, role, keyText, npub } = request;
  const fingerprint = forge.db.transaction(() => {
    const account = createAccount(forge, { name, role });
    const key = keyText === undefined ? undefined : addKey(forge, { accountId: account.id, text: keyText });
    if (npub !== undefined) addNostrKey(forge, { accountId: account.id, publicKey: parseNpub(npub) });
    recordAudit(forge, systemCaller(forge), {
      action: 'account.create',
      subject: account.name,
      detail: { role },
    });
    return key?.fingerprint;
  });
  const keys = [fingerprint, npub].filter((key) => key !== undefined);
  const withKey = keys.length === 0 ? '' : ` with the key ${keys.join(' and ')}`;
  return {
    ok: true,
    text: `Account ${name} (${role})${withKey}.`,
    json: { name, role, key: fingerprint ?? null, npub: npub ?? null },
  };
}

/** For an admin who lost every key and passkey, and whom no other admin can help. */
function recoverAccount(forge: Forge, name: string): CommandAnswer {
  const { link, expiresAt } = createRecoveryLink(forge, { caller: systemCaller(forge), name });
  const end = new Date(expiresAt).toISOString();
  return { ok: true, text: link, json: { account: name, link, expiresAt: end } };
}

function makeToken(forge: Forge, request: z.output<typeof tokenCreate>): CommandAnswer {
  const account = getAccountByName(forge, request.account);
  if (account.kind === 'system')
    throw new ForgeError('invalid', `The account "${account.name}" takes no tokens.`);
  const token = createToken(forge, { accountId: account.id, scope: request.scope, label: 'console' });
  recordAudit(forge, systemCaller(forge), {
    action: 'token.create',
    subject: account.name,
    detail: { scope: request.scope },
  });
  return { ok: true, text: token, json: { account: account.name, scope: request.scope, token } };
}

async function makeRepo(forge: Forge, request: z.output<typeof repoCreate>): Promise<CommandAnswer> {
  const [owner = '', name = ''] = request.repo.split('/');
  const { visibility } = request;
  const chosen = request.defaultBranch === undefined ? {} : { defaultBranch: request.defaultBranch };
  const repo = await createRepo(forge, { owner, name, visibility, ...chosen, caller: systemCaller(forge) });
  const { defaultBranch } = repo;
  const urls = repoUrls(forge, repo);
  const text = `Repository ${request.repo} (${visibility}), default branch ${defaultBranch}.\n  ${urls.ssh}\n  ${urls.http}`;
  return {
    ok: true,
    text,
    json: { repo: request.repo, visibility, defaultBranch, ssh: urls.ssh, http: urls.http },
  };
}

async function askDoctor(forge: Forge, { mend, quick }: z.output<typeof doctor>): Promise<CommandAnswer> {
  if (mend) recordAudit(forge, systemCaller(forge), { action: 'forge.mend', subject: 'this forge' });
  const findings = await examine(forge, { mend, quick });
  const ok = findings.every((finding) => finding.level !== 'error');
  const lines = findings.map(({ level, what, advice }) => {
    const mark = { ok: 'ok     ', mended: 'mended ', warning: 'warning', error: 'ERROR  ' }[level];
    return `${mark}  ${what}${advice === undefined ? '' : `\n         ${advice}`}`;
  });
  return { ok, text: lines.join('\n'), json: { ok, findings } };
}
