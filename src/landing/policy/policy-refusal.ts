// Turns what is wrong with a policy into the one sentence its author reads: the line, the key and what was
// expected there.
import type { z } from 'zod';
import { ForgeError } from '../../lib/errors.ts';
import { lineOfKey } from '../../lib/toml-lines.ts';
import { policyKeys } from './policy-schema.ts';

export const policyPath = '.pika/policy.toml';

type Path = (string | number)[];

export function issueRefusal(source: string, issue: z.core.$ZodIssue): ForgeError {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const known = policyKeys[nameOf(path)] ?? '';
    const message = `unknown key ${nameOf([...path, key])}; expected one of ${known}`;
    return refusal(message, lineOfKey(source, [...path, key]));
  }
  const name = nameOf(path);
  return refusal(name === '' ? issue.message : `${name}: ${issue.message}`, lineOfKey(source, path));
}

export function refusal(message: string, line?: number): ForgeError {
  const place = line === undefined ? policyPath : `${policyPath}, line ${line}`;
  return new ForgeError('invalid', `${place}: ${message}.`);
}

const nameOf = (path: Path): string => path.filter((part) => typeof part === 'string').join('.');
