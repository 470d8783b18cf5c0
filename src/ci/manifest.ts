// Reads .pika/lanes.toml. Every refusal names the line, the key and what was expected, because its
// reader is the person who has just pushed the file.
import { parse as parseToml, TomlError } from 'smol-toml';
import { z } from 'zod';
import { ForgeError, errorMessage } from '../lib/errors.ts';
import { compileGlob } from '../lib/glob.ts';
import { cycleProblem, needsProblem } from './needs.ts';
import { lineOf } from './toml-lines.ts';

export const manifestPath = '.pika/lanes.toml';

export interface LaneSpec {
  key: string;
  title: string;
  /** argv, or one string that `sh -euc` runs. */
  command: string | string[];
  /** Undefined: the lane always runs. */
  paths: string[] | undefined;
  needs: string[];
  group: string | undefined;
  required: boolean;
  env: Record<string, string>;
  timeoutSeconds: number;
  idleSeconds: number;
}

export interface ManifestLimits {
  maxLanesPerManifest: number;
  maxLaneMinutes: number;
}

const defaultTimeoutMinutes = 30;
const defaultIdleMinutes = 10;

/** The lanes of a manifest, in its order. Refuses (`invalid`) with one sentence. */
export function readManifest(text: string, limits: ManifestLimits): LaneSpec[] {
  const parsed = manifestSchema(limits).safeParse(parseText(text));
  if (!parsed.success) {
    // A mistyped key is the cause of the missing one; it is told first.
    const { issues } = parsed.error;
    const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
    throw issue === undefined ? refusal('it is not understood') : issueRefusal(text, issue);
  }
  const { lane: lanes = [], defaults = {} } = parsed.data;
  const problem = duplicateProblem(lanes) ?? needsProblem(lanes) ?? cycleProblem(lanes);
  if (problem !== undefined) {
    throw refusal(problem.message, lineOf(text, ['lane', problem.lane, problem.key]));
  }
  return lanes.map((lane) => ({
    key: lane.id,
    title: lane.title ?? lane.id,
    command: lane.command,
    paths: lane.paths,
    needs: lane.needs ?? [],
    group: lane.group,
    required: lane.required ?? true,
    env: { ...defaults.env, ...lane.env },
    timeoutSeconds: 60 * (lane.timeout_minutes ?? defaults.timeout_minutes ?? defaultTimeoutMinutes),
    idleSeconds: 60 * (lane.idle_minutes ?? defaults.idle_minutes ?? defaultIdleMinutes),
  }));
}

function parseText(text: string): unknown {
  try {
    return parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const summary = error.message.split('\n')[0] ?? 'not TOML';
    throw refusal(summary.replace(/^Invalid TOML document: /, 'this is not TOML: '), error.line);
  }
}

function manifestSchema({ maxLaneMinutes, maxLanesPerManifest }: ManifestLimits) {
  const minutesText = `expected a whole number of minutes from 1 to ${maxLaneMinutes}`;
  const minutes = z.int(minutesText).min(1, minutesText).max(maxLaneMinutes, minutesText).optional();
  const envName = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
  const env = z
    .record(
      z
        .string()
        .regex(envName, 'expected names of letters, digits and underscores')
        .refine((name) => !name.startsWith('PIKA_'), 'names that start with PIKA_ belong to the forge'),
      text('expected a text in quotes', 32_768),
      'expected a table of texts, e.g. { CI = "true" }',
    )
    .optional();
  const lane = z.strictObject(
    {
      id: z
        .string('expected a text of a-z, 0-9, _ and -')
        .regex(/^[a-z0-9_-]{1,64}$/, 'expected 1 to 64 of a-z, 0-9, _ and -'),
      title: text('expected a text in quotes', 200).optional(),
      command: commandSchema(),
      paths: z
        .array(pathPattern, 'expected a list of patterns, e.g. ["src/**"]')
        .min(1, 'expected at least one pattern')
        .max(200, 'expected at most 200 entries')
        .optional(),
      timeout_minutes: minutes,
      idle_minutes: minutes,
      group: z
        .string('expected a text of letters, digits, _ . and -')
        .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'expected 1 to 64 letters, digits, _ . and -')
        .optional(),
      needs: texts('expected a list of lane ids, e.g. ["build"]', 64).optional(),
      required: z.boolean('expected true or false').optional(),
      env,
    },
    'expected a [[lane]] table',
  );
  const defaults = z.strictObject(
    { timeout_minutes: minutes, idle_minutes: minutes, env },
    'expected a table',
  );
  return z.strictObject({
    version: z.literal(1, 'expected 1, the only version there is').optional(),
    defaults: defaults.optional(),
    lane: z
      .array(lane, 'expected [[lane]] tables')
      .max(maxLanesPerManifest, `expected at most ${maxLanesPerManifest} lanes`)
      .optional(),
  });
}

const text = (expected: string, maxLength: number) =>
  z
    .string(expected)
    .min(1, 'expected a text that is not empty')
    .max(maxLength, `expected at most ${maxLength} characters`)
    .refine((value) => !value.includes('\0'), 'expected a text without NUL');

/** A glob; with a leading ! it takes paths away again, as in .gitignore. */
const pathPattern = text('expected a list of patterns, e.g. ["src/**"]', 1000).superRefine(
  (pattern, context) => {
    try {
      compileGlob(pattern.replace(/^!/, ''));
    } catch (error) {
      context.addIssue({
        code: 'custom',
        message: `expected a pattern of paths, but ${errorMessage(error)}`,
      });
    }
  },
);

const texts = (expected: string, maxItems: number) =>
  z.array(text(expected, 1000), expected).max(maxItems, `expected at most ${maxItems} entries`);

const commandSchema = () => {
  const expected = 'expected a command: a text for sh, or a list like ["npm", "test"]';
  const argument = z
    .string(expected)
    .max(65_536, 'expected at most 65536 characters')
    .refine((value) => !value.includes('\0'), 'expected a text without NUL');
  return z.union(
    [
      text(expected, 65_536),
      z
        .array(argument, expected)
        .min(1, expected)
        .max(1000, expected)
        .refine(([program]) => program !== '', expected),
    ],
    expected,
  );
};

const keysOf = {
  top: 'version, defaults, lane',
  defaults: 'timeout_minutes, idle_minutes, env',
  lane: 'id, title, command, paths, timeout_minutes, idle_minutes, group, needs, required, env',
};

function issueRefusal(source: string, issue: z.core.$ZodIssue): ForgeError {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const known = path[0] === 'lane' ? keysOf.lane : path[0] === 'defaults' ? keysOf.defaults : keysOf.top;
    return refusal(
      `unknown key ${key}${placeOf(path)}; expected one of ${known}`,
      lineOf(source, [...path, key]),
    );
  }
  const line = lineOf(source, path);
  if (path.length === 2 && path[0] === 'lane') return refusal(issue.message, line);
  const key = path[0] === 'lane' && path.length > 2 ? path.slice(2) : path;
  const inner = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  return refusal(`${key.join('.')}${placeOf(path)}: ${inner}`, line);
}

const placeOf = (path: (string | number)[]): string =>
  path[0] === 'lane' && typeof path[1] === 'number' ? ` of lane number ${path[1] + 1}` : '';

function refusal(message: string, line?: number): ForgeError {
  const place = line === undefined ? manifestPath : `${manifestPath}, line ${line}`;
  return new ForgeError('invalid', `${place}: ${message}.`);
}

function duplicateProblem(lanes: { id: string }[]) {
  const seen = new Map<string, number>();
  for (const [lane, { id }] of lanes.entries()) {
    const earlier = seen.get(id);
    if (earlier !== undefined) {
      return {
        lane,
        key: 'id',
        message: `id: "${id}" is the id of lane number ${earlier + 1} already; expected each id once`,
      };
    }
    seen.set(id, lane);
  }
  return undefined;
}
