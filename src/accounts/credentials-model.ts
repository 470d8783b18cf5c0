// The wire shapes of an account's credentials: keys, tokens, sessions, passkeys, and the deploy keys of repositories.
import { z } from 'zod';
import { tokenScopes } from './model.ts';

/** An SSH key of an account. */
export const keyRequest = z.strictObject({
  text: z.string().min(1, 'paste a public key').max(20_000),
  label: z.string().max(100).optional(),
});
export const keyView = z.object({
  id: z.number(),
  algorithm: z.string(),
  fingerprint: z.string(),
  label: z.string(),
  createdAt: z.string(),
  lastUsedAt: z.string().nullable(),
});
export type KeyView = z.infer<typeof keyView>;
export const keysView = z.object({ keys: z.array(keyView) });

/** A deploy key: it belongs to a repository, and to no account. */
export interface DeployKey {
  id: number;
  algorithm: string;
  fingerprint: string;
  label: string;
  canWrite: boolean;
  createdBy: string | null;
  createdAt: number;
  lastUsedAt: number | undefined;
}
export const deployKeyRights = ['read', 'write'] as const;
export const deployKeyRequest = keyRequest.extend({ right: z.enum(deployKeyRights).default('read') });
export const deployKeyView = keyView.extend({
  right: z.enum(deployKeyRights),
  createdBy: z.string().nullable(),
});
export type DeployKeyView = z.infer<typeof deployKeyView>;
export const deployKeysView = z.object({ keys: z.array(deployKeyView) });

export const maxTokenDays = 3650;
export const tokenRequest = z.strictObject({
  scope: z.enum(tokenScopes).default('write'),
  label: z.string().max(100).default(''),
  /** `OWNER/NAME`: good for this repository alone. */
  repo: z.string().min(1).max(200).optional(),
  /** Without it the token has no end. */
  expiresInDays: z.number().int().min(1).max(maxTokenDays).optional(),
});
export type TokenRequest = z.infer<typeof tokenRequest>;
export const tokenView = z.object({
  id: z.number(),
  label: z.string(),
  scope: z.enum(tokenScopes),
  repo: z.string().nullable(),
  createdAt: z.string(),
  expiresAt: z.string().nullable(),
  lastUsedAt: z.string().nullable(),
  /** Whether it is the one that asks. */
  isCurrent: z.boolean(),
});
export type TokenView = z.infer<typeof tokenView>;
export const tokensView = z.object({ tokens: z.array(tokenView) });
/** The only answer that has the token itself. */
export const createdTokenView = tokenView.extend({ token: z.string() });
export type CreatedTokenView = z.infer<typeof createdTokenView>;

export const sessionView = z.object({
  id: z.number(),
  address: z.string(),
  userAgent: z.string(),
  createdAt: z.string(),
  lastUsedAt: z.string(),
  expiresAt: z.string(),
  isCurrent: z.boolean(),
});
export type SessionView = z.infer<typeof sessionView>;
export const sessionsView = z.object({ sessions: z.array(sessionView) });
