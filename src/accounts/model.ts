import { z } from 'zod';

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
}

/** Who is asking, and with what. An anonymous caller has no account and may only read what is public. */
export interface Caller {
  account: Account | undefined;
  /** What the credential may do at most; an SSH key and a browser session have `admin`. */
  scope: TokenScope;
  /** For the audit log, e.g. `session 4`, `token 7`, `key SHA256:…`, `console`. Never a secret. */
  credential: string;
  address: string;
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
export type AccountView = z.infer<typeof accountView>;
