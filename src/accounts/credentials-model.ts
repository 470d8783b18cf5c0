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
export const endedSessionsView = z.object({ ended: z.number() });

const base64url = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[A-Za-z0-9_-]+$/, 'base64url');
/** What browsers add beside these is of no use here, and is left out. */
const credential = z.object({
  id: base64url(2000),
  rawId: base64url(2000),
  type: z.literal('public-key'),
});

/** `PublicKeyCredential.toJSON()` of a new passkey (Web Authentication, level 3). */
export const passkeyRegistration = credential.extend({
  response: z.object({
    clientDataJSON: base64url(10_000),
    attestationObject: base64url(100_000),
    transports: z.array(z.string().max(40)).max(10).default([]),
  }),
});
export type PasskeyRegistration = z.infer<typeof passkeyRegistration>;

/** The same of a passkey that signs in. */
export const passkeyProof = credential.extend({
  response: z.object({
    clientDataJSON: base64url(10_000),
    authenticatorData: base64url(10_000),
    signature: base64url(10_000),
    userHandle: base64url(200).nullish(),
  }),
});
export type PasskeyProof = z.infer<typeof passkeyProof>;

const passkeyLabel = z.string().trim().min(1, 'give it a name').max(100);
export const passkeyRequest = z.strictObject({
  credential: passkeyRegistration,
  label: passkeyLabel.optional(),
});
export const passkeySignIn = z.strictObject({ credential: passkeyProof });
export const passkeyChange = z.strictObject({ label: passkeyLabel });

const descriptor = z.object({
  id: z.string(),
  type: z.string(),
  transports: z.array(z.string()).optional(),
});
/** For `PublicKeyCredential.parseCreationOptionsFromJSON`. */
export const passkeyCreation = z.object({
  challenge: z.string(),
  rp: z.object({ id: z.string().optional(), name: z.string() }),
  user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
  pubKeyCredParams: z.array(z.object({ alg: z.number(), type: z.string() })),
  timeout: z.number().optional(),
  attestation: z.string().optional(),
  excludeCredentials: z.array(descriptor).optional(),
  authenticatorSelection: z
    .object({
      authenticatorAttachment: z.string().optional(),
      residentKey: z.string().optional(),
      requireResidentKey: z.boolean().optional(),
      userVerification: z.string().optional(),
    })
    .optional(),
  extensions: z.object({ credProps: z.boolean().optional() }).optional(),
  hints: z.array(z.string()).optional(),
});
/** For `PublicKeyCredential.parseRequestOptionsFromJSON`. */
export const passkeyAsking = z.object({
  challenge: z.string(),
  rpId: z.string().optional(),
  timeout: z.number().optional(),
  userVerification: z.string().optional(),
  allowCredentials: z.array(descriptor).optional(),
  extensions: z.object({ appid: z.string().optional() }).optional(),
});

export const passkeyView = z.object({
  id: z.number(),
  label: z.string(),
  createdAt: z.string(),
  lastUsedAt: z.string().nullable(),
});
export type PasskeyView = z.infer<typeof passkeyView>;
export const passkeysView = z.object({
  passkeys: z.array(passkeyView),
  /** Whether every browser that signs in otherwise must show a passkey as well. */
  secondFactor: z.boolean(),
});
export const secondFactorRequest = z.strictObject({ required: z.boolean() });
export const browserSessionView = z.object({ account: z.string() });
export const recoveryLinkView = z.object({ link: z.string(), expiresAt: z.string() });
