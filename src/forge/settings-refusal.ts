// Turns what is wrong with the settings into the one sentence their operator reads: the file with its line, or the variable of the
// environment, then the key and what was expected there.
import { z } from 'zod';
import { ForgeError } from '../lib/errors.ts';
import { isNear } from '../lib/near-word.ts';
import { lineOfKey } from '../lib/toml-lines.ts';

/** Where settings were said. */
export interface SettingsSource {
  path: string;
  /** What stands in the file; undefined when there is none. */
  text: string | undefined;
  /** The variables of the environment that are set, by the keys that they stand for: `ci.concurrency`. */
  variables: ReadonlyMap<string, string>;
}

/** More of them in one sentence are not read. */
const maxListedKeys = 20;

type Path = readonly (string | number)[];

export function settingsRefusal(
  schema: z.ZodType,
  source: SettingsSource,
  issues: readonly z.core.$ZodIssue[],
): ForgeError {
  // A mistyped key is the cause of a missing one; it is told first.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  const path = issue?.path.filter((part) => typeof part !== 'symbol') ?? [];
  if (issue?.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const whole = [...path, key];
    return refusal(
      `unknown key ${whole.join('.')}${meant(key, keysAt(schema, path))}`,
      placeOf(source, whole),
    );
  }
  const message = issue?.code === 'invalid_key' ? issue.issues[0]?.message : issue?.message;
  return refusal(`${path.join('.')}: ${message ?? 'not understood'}.`, placeOf(source, path));
}

const refusal = (message: string, place: string): ForgeError =>
  new ForgeError('invalid', `${place}: ${message}`);

function placeOf({ path, text, variables }: SettingsSource, key: Path): string {
  const variable = variables.get(key.join('.'));
  if (variable !== undefined) return variable;
  if (text === undefined) return 'Configuration';
  const line = lineOfKey(text, key);
  return line === undefined ? path : `${path}, line ${line}`;
}

function meant(key: string, known: readonly string[]): string {
  const near = known.filter((name) => isNear(name.toLowerCase(), key.toLowerCase()));
  if (near.length > 0) return `; did you mean ${near.join(' or ')}?`;
  return known.length > 0 && known.length <= maxListedKeys ? `; expected one of ${known.join(', ')}.` : '.';
}

/** The keys that a table may have; none where that depends on another key of it. */
function keysAt(schema: unknown, [part, ...rest]: Path): string[] {
  const plain = unwrapped(schema);
  if (plain instanceof z.ZodArray) return keysAt(plain.element, rest);
  if (plain instanceof z.ZodRecord) return keysAt(plain.valueType, rest);
  if (!(plain instanceof z.ZodObject)) return [];
  return part === undefined ? Object.keys(plain.shape) : keysAt(plain.shape[part], rest);
}

function unwrapped(schema: unknown): unknown {
  const isWrapped =
    schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault || schema instanceof z.ZodOptional;
  return isWrapped ? unwrapped(schema.unwrap()) : schema;
}
