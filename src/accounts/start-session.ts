import type { Request, Response } from 'express';
import type { Forge } from '../forge/open.ts';
import { recordAudit } from './audit.ts';
import { callerOf, sessionCookie } from './guard.ts';
import type { Account } from './model.ts';
import { createSession } from './sign-in.ts';

/** Signs the browser that asks in as `account`: a new session, in a cookie that no script can read. */
export function startSession(
  forge: Forge,
  { request, response }: { request: Request; response: Response },
  account: Account,
): void {
  const session = createSession(forge, {
    accountId: account.id,
    address: request.ip ?? '',
    userAgent: request.get('user-agent') ?? '',
  });
  response.cookie(sessionCookie, session.secret, {
    httpOnly: true,
    sameSite: 'lax',
    secure: forge.config.publicUrl?.startsWith('https:') ?? false,
    path: '/',
    expires: new Date(session.expiresAt),
  });
  recordAudit(forge, { ...callerOf(response), account }, { action: 'session.create', subject: account.name });
}
