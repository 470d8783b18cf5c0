import { z } from 'zod';
import { nostrEvent } from '../lib/nostr-event.ts';

export const accountRoles = ['admin', 'member'] as const;
export type AccountRole = (typeof accountRoles)[number];

export const tokenScopes = ['read', 'write', 'admin'] as const;
export type TokenScope = (typeof tokenScopes)[number];

/** A name that may stand in a URL, in a path and in a git author line. */
export const accountName = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,37}[a-z0-9])?$/i,
    'an account name has 1 to 39 letters, digits and single dashes, and starts and ends with a letter or digit',
  );

export interface Account {
  id: number;
  name: string;
  email: string;
  kind: 'person' | 'agent' | 'system';
  role: AccountRole;
  createdAt: number;
  /** Set: nobody can sign in as it, with anything. */
  disabledAt?: number | undefined;
  /** Set: a browser that signs in without a passkey is asked for one as well. */
  secondFactorSince?: number | undefined;
}

/** Who is asking, and with what. An anonymous caller has no account and may only read what is public. */
export interface Caller {
  account: Account | undefined;
  /** What the credential may do at most; an SSH key and a browser session have `admin`. */
  scope: TokenScope;
  /** For the audit log, e.g. `session 4`, `token 7`, `key SHA256:…`, `console`. Never a secret. */
  credential: string;
  address: string;
  /** Set: the credential is good for this repository alone. */
  onlyRepo?: OnlyRepo | undefined;
}

export interface OnlyRepo {
  id: number;
  /** The right of a deploy key, which belongs to no account that could have one. */
  right?: 'read' | 'write';
}

/** Who takes a share where everybody has one: an account, an address for nobody, and each deploy key for itself. */
export function sharerOf({ account, address, credential, onlyRepo }: Caller): string {
  if (account === undefined) return `from ${address}`;
  return onlyRepo?.right === undefined ? `account ${account.id}` : credential;
}

export const anonymous = (address: string): Caller => ({
  account: undefined,
  scope: 'read',
  credential: 'none',
  address,
});

export const accountView = z.object({
  name: z.string(),
  role: z.enum(accountRoles),
  kind: z.enum(['person', 'agent', 'system']),
});

/** The secret of a one-time link, as `ssh … login` prints it. */
export const linkRequest = z.strictObject({
  secret: z.string().min(1).max(200),
  scope: z.enum(tokenScopes).default('write'),
});
export const newTokenView = z.object({ token: z.string(), account: z.string() });

/** What a holder of a Nostr key signs to prove it (NIP-98): an event of `kind` with the tags u, method and challenge. */
export const nostrChallenge = z.object({
  challenge: z.string(),
  /** The tag u; compared exactly, so it must be the address at which the forge was asked. */
  url: z.string(),
  method: z.literal('POST'),
  kind: z.number(),
  expiresAt: z.string(),
});
export type NostrChallenge = z.infer<typeof nostrChallenge>;

/** `browser` is answered with a session cookie, `program` with a token. */
export const nostrSignIn = z.strictObject({
  event: nostrEvent,
  for: z.enum(['browser', 'program']),
  /** Of the token of a program. */
  scope: z.enum(tokenScopes).default('write'),
});

export const nostrKeyRequest = z.strictObject({ event: nostrEvent, label: z.string().max(100).optional() });

export interface NostrKey {
  id: number;
  npub: string;
  label: string;
  createdAt: number;
  lastUsedAt: number | undefined;
}

export const nostrKeyView = z.object({
  id: z.number(),
  npub: z.string(),
  label: z.string(),
  createdAt: z.string(),
  lastUsedAt: z.string().nullable(),
});
export type NostrKeyView = z.infer<typeof nostrKeyView>;
export const nostrKeyListView = z.object({ keys: z.array(nostrKeyView) });
/** A browser is given its session as a cookie, beside this answer. */
export const nostrSignInView = z.object({
  account: z.string(),
  token: z.string().optional(),
  /** Where a browser goes to show a second factor; it is not signed in before. */
  next: z.string().optional(),
});

/** What a program says of itself when it asks to be signed in by approval, e.g. `ph on HOST`. */
export const approvalRequest = z.strictObject({
  program: z.string().min(1).max(100).default('a program'),
  scope: z.enum(tokenScopes).default('write'),
});
export const approvalView = z.object({
  /** The program's own secret, to ask for the decision with. */
  request: z.string(),
  code: z.string(),
  url: z.string(),
  expiresAt: z.string(),
});

export const approvalTokenRequest = z.strictObject({
  request: z.string().min(1).max(200),
  /** Seconds to wait for a decision. */
  timeout: z.number().int().min(0).max(3600).default(30),
});
export const approvalTokenView = z.discriminatedUnion('state', [
  z.object({ state: z.literal('waiting') }),
  z.object({ state: z.literal('denied') }),
  z.object({ state: z.literal('approved'), token: z.string(), account: z.string() }),
]);
export type ApprovalTokenView = z.infer<typeof approvalTokenView>;

export const invitationRequest = z.strictObject({
  role: z.enum(accountRoles).default('member'),
  note: z.string().max(100).default(''),
});
export interface Invitation {
  id: number;
  role: AccountRole;
  /** For the admins: whom it is for. */
  note: string;
  createdBy: string;
  createdAt: number;
  expiresAt: number;
}
export const invitationView = z.object({
  id: z.number(),
  role: z.enum(accountRoles),
  note: z.string(),
  createdBy: z.string(),
  createdAt: z.string(),
  expiresAt: z.string(),
});
export type InvitationView = z.infer<typeof invitationView>;
export const invitationListView = z.object({ invitations: z.array(invitationView) });
export const newInvitationView = z.object({ id: z.number(), link: z.string(), expiresAt: z.string() });

export const agentRequest = z.strictObject({
  name: accountName,
  scope: z.enum(['read', 'write']).default('write'),
});

export const accountChange = z.strictObject({
  role: z.enum(accountRoles).optional(),
  disabled: z.boolean().optional(),
});
export const personView = accountView.extend({ createdAt: z.string(), disabledAt: z.string().nullable() });
export type PersonView = z.infer<typeof personView>;
export const personListView = z.object({ accounts: z.array(personView) });
export const newAgentView = z.object({ account: personView, token: z.string() });
