// Turns what is wrong with a manifest into the one sentence its author reads: the line, the key and what was
// expected there.
import type { z } from 'zod';
import { ForgeError } from '../../lib/errors.ts';
import { retryKinds } from './manifest-schema.ts';
import { lineOf } from './toml-lines.ts';

export const manifestPath = '.pika/lanes.toml';

type Path = (string | number)[];

const laneKeys =
  'id, title, command, paths, timeout_minutes, idle_minutes, group, target, matrix, needs, required, env, cache, artifacts, reports, secrets, network, retry, keep_running';
const keysOf: Record<string, string> = {
  top: 'version, defaults, lane, nightly',
  defaults: 'timeout_minutes, idle_minutes, env',
  lane: laneKeys,
  nightly: `schedule, ${laneKeys.replace('paths, ', '').replace('needs, ', '')}`,
};
/** The tables within a lane. */
const innerKeysOf: Record<string, string> = { cache: 'key, paths', retry: retryKinds.join(', ') };

export function issueRefusal(source: string, issue: z.core.$ZodIssue): ForgeError {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const known = innerKeysOf[String(path[2])] ?? keysOf[String(path[0] ?? 'top')] ?? '';
    const name = [...path.slice(2), key].filter((part) => typeof part === 'string').join('.');
    const line = lineOf(source, [...path, key]);
    return refusal(`unknown key ${name}${placeOf(path)}; expected one of ${known}`, line);
  }
  const line = lineOf(source, path);
  const isInTable = isTable(path[0]) && typeof path[1] === 'number';
  if (isInTable && path.length === 2) return refusal(issue.message, line);
  const key = isInTable ? path.slice(2) : path;
  const inner = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  return refusal(`${key.join('.')}${placeOf(path)}: ${inner}`, line);
}

const isTable = (name: string | number | undefined): boolean => name === 'lane' || name === 'nightly';

const placeOf = (path: Path): string =>
  isTable(path[0]) && typeof path[1] === 'number' ? ` of ${path[0]} number ${path[1] + 1}` : '';

export function refusal(message: string, line?: number): ForgeError {
  const place = line === undefined ? manifestPath : `${manifestPath}, line ${line}`;
  return new ForgeError('invalid', `${place}: ${message}.`);
}
