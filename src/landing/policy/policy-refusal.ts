// Turns what is wrong with a policy into the one sentence its author reads: the line, the key and what was
// expected there.
import type { z } from 'zod';
import { ForgeError } from '../../lib/errors.ts';
import { policyKeys } from './policy-schema.ts';

export const policyPath = '.pika/policy.toml';

type Path = (string | number)[];

export function issueRefusal(source: string, issue: z.core.$ZodIssue): ForgeError {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const known = policyKeys[nameOf(path)] ?? '';
    const message = `unknown key ${nameOf([...path, key])}; expected one of ${known}`;
    return refusal(message, lineOf(source, [...path, key]));
  }
  const name = nameOf(path);
  return refusal(name === '' ? issue.message : `${name}: ${issue.message}`, lineOf(source, path));
}

export function refusal(message: string, line?: number): ForgeError {
  const place = line === undefined ? policyPath : `${policyPath}, line ${line}`;
  return new ForgeError('invalid', `${place}: ${message}.`);
}

const nameOf = (path: Path): string => path.filter((part) => typeof part === 'string').join('.');

/**
 * The line, from 1, of a path such as `['gate', 'owners', 1, 'paths']`, else of the nearest table around it. The parser
 * gives values without places; for a sentence a scan over headers and keys is enough.
 */
function lineOf(source: string, path: Path): number | undefined {
  const lines = linesOf(source);
  for (let length = path.length; length > 0; length -= 1) {
    const line = lines.get(path.slice(0, length).join('.'));
    if (line !== undefined) return line;
  }
  return undefined;
}

function linesOf(source: string): Map<string, number> {
  const lines = new Map<string, number>();
  const counts = new Map<string, number>();
  let table: string[] = [];
  for (const [at, line] of source.split('\n').entries()) {
    const header = /^\s*(\[\[?)\s*([\w\s"'.-]+?)\s*\]/.exec(line);
    const key = /^\s*([\w"'-]+(?:\s*\.\s*[\w"'-]+)*)\s*=/.exec(line);
    if (header !== null) {
      table = partsOf(header[2] ?? '');
      if (header[1] === '[[') {
        const name = table.join('.');
        const place = counts.get(name) ?? 0;
        counts.set(name, place + 1);
        table = [...table, String(place)];
      }
    }
    const names = key === null ? table : [...table, ...partsOf(key[1] ?? '')];
    if (header === null && key === null) continue;
    for (let length = names.length; length > 0; length -= 1) {
      const name = names.slice(0, length).join('.');
      // The first line wins: it is where a table begins.
      if (!lines.has(name)) lines.set(name, at + 1);
    }
  }
  return lines;
}

const partsOf = (name: string): string[] =>
  name.split('.').map((part) => part.trim().replaceAll(/^["']|["']$/g, ''));
