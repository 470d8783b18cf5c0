// Tokens of one's account. A new one goes to standard output alone, so that it can be caught in a variable.
import {
  createdTokenView,
  maxTokenDays,
  tokensView,
  type TokenView,
} from '../../accounts/credentials-model.ts';
import type { TokenScope } from '../../accounts/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { wrongUse } from '../failure.ts';
import { cleanLine, printJson, printTable, stderr, stdout } from '../output.ts';
import { findForge } from '../place.ts';

const path = '/account/tokens';

export interface CreateTokenOptions {
  scope: TokenScope;
  label?: string;
  repo?: string;
  days?: string;
  json?: boolean;
}

export async function createToken(options: CreateTokenOptions): Promise<ExitStatus> {
  const { scope, label = '', repo, days, json } = options;
  const order = {
    scope,
    label,
    ...(repo === undefined ? {} : { repo }),
    ...(days === undefined ? {} : { expiresInDays: daysIn(days) }),
  };
  const client = await findForge();
  const made = await client.post(path, order, createdTokenView);
  if (json) printJson(made);
  else {
    stdout.line(cleanLine(made.token));
    stderr.line(`It is token ${made.id}: ${describe(made)}. It is not shown again.`);
  }
  return exitStatus.done;
}

export async function listTokens({ json }: { json?: boolean }): Promise<ExitStatus> {
  const client = await findForge();
  const answer = await client.get(path, { answer: tokensView });
  if (json) printJson(answer);
  else if (answer.tokens.length === 0) stderr.line('You have no tokens.');
  else printTable(answer.tokens.map(rowOf));
  return exitStatus.done;
}

export async function revokeToken(number: string, { json }: { json?: boolean }): Promise<ExitStatus> {
  if (!/^[1-9]\d{0,15}$/.test(number)) {
    throw wrongUse(`"${number}" is no number of a token; ph token list says them.`);
  }
  const client = await findForge();
  await client.remove(`${path}/${number}`);
  if (json) printJson({ revoked: Number(number) });
  else stdout.line(`token ${number} is revoked`);
  return exitStatus.done;
}

function daysIn(text: string): number {
  const days = Number(text);
  if (Number.isInteger(days) && days >= 1 && days <= maxTokenDays) return days;
  throw wrongUse(`"${text}" is no number of days; give one from 1 to ${maxTokenDays}.`);
}

const rowOf = (token: TokenView): string[] => [
  String(token.id),
  cleanLine(token.label),
  describe(token),
  token.lastUsedAt === null ? 'never used' : `used ${token.lastUsedAt.slice(0, 10)}`,
  token.isCurrent ? 'this one' : '',
];

const describe = ({ scope, repo, expiresAt }: TokenView): string =>
  [
    scope,
    ...(repo === null ? [] : [`${cleanLine(repo)} alone`]),
    expiresAt === null ? 'no end' : `until ${expiresAt.slice(0, 10)}`,
  ].join(', ');
