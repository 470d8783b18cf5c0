// The shape of .pika/lanes.toml. Each message says what was expected; the line and the key are added by
// manifest-refusal.ts.
import { z } from 'zod';
import { errorMessage } from '../../lib/errors.ts';
import { compileGlob } from '../../lib/glob.ts';
import { scheduleProblem } from './cron.ts';
import { placeholderPattern } from './matrix.ts';
import type { FailureKind } from '../model.ts';

export interface ManifestLimits {
  maxLanesPerManifest: number;
  maxLaneMinutes: number;
}

const maxNightlies = 16;

/** What may be tried again. A failure of the tests themselves is nobody's accident: it is rerun by a person. */
export const retryKinds = [
  'infrastructure',
  'timeout',
  'idle_timeout',
  'lost',
] as const satisfies FailureKind[];

const text = (expected: string, maxLength: number) =>
  z
    .string(expected)
    .min(1, 'expected a text that is not empty')
    .max(maxLength, `expected at most ${maxLength} characters`)
    .refine((value) => !value.includes('\0'), 'expected a text without NUL');

/** A name that may hold `${matrix.…}`; it is looked at again when the values stand in it. */
const name = (pattern: RegExp, expected: string) =>
  z
    .string(expected)
    .refine((value) => pattern.test(value.replaceAll(placeholderPattern, 'x')), expected)
    .max(200, 'expected at most 200 characters');

function globIssue(pattern: string): string | undefined {
  try {
    compileGlob(pattern);
    return undefined;
  } catch (error) {
    return `expected a pattern of paths, but ${errorMessage(error)}`;
  }
}

/** A glob; with a leading ! it takes paths away again, as in .gitignore. */
const pathPattern = text('expected a list of patterns, e.g. ["src/**"]', 1000).superRefine(
  (pattern, context) => {
    const message = globIssue(pattern.replace(/^!/, ''));
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  },
);

const isInside = (path: string): boolean => !path.startsWith('/') && !path.split('/').includes('..');

const insidePattern = (expected: string) =>
  text(expected, 1000)
    .superRefine((pattern, context) => {
      const message = globIssue(pattern);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    })
    .refine(isInside, 'expected paths inside the checkout, without a leading / and without ..');

const listOf = <Item extends z.ZodType>(item: Item, expected: string, maxItems: number) =>
  z.array(item, expected).max(maxItems, `expected at most ${maxItems} entries`);

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

const variable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'expected names of letters, digits and underscores')
  .refine((value) => !value.startsWith('PIKA_'), 'names that start with PIKA_ belong to the forge');

const env = z
  .record(
    variable,
    text('expected a text in quotes', 32_768),
    'expected a table of texts, e.g. { CI = "true" }',
  )
  .optional();

const matrixText = 'expected a table of lists, e.g. { node = ["22", "24"] }';
const matrix = z
  .record(
    z.string().regex(/^[a-z][a-z0-9_]{0,31}$/, 'expected names of a-z, 0-9 and _ that begin with a letter'),
    z
      .array(
        text('expected texts in quotes, e.g. ["22", "24"]', 100).refine(
          (value) => !/[\n\r]|\$\{/.test(value),
          'expected texts of one line without ${',
        ),
        'expected a list of texts, e.g. ["22", "24"]',
      )
      .min(1, 'expected at least one value')
      .max(32, 'expected at most 32 values')
      .refine((values) => new Set(values).size === values.length, 'expected each value once'),
    matrixText,
  )
  .refine((axes) => Object.keys(axes).length > 0, matrixText)
  .refine((axes) => Object.keys(axes).length <= 5, 'expected at most 5 names')
  .optional();

/** In the key of a cache only `${hash:…}` is resolved; `${matrix.…}` has been by then. */
const cacheKey = text('expected a text, e.g. "npm-${hash:package-lock.json}"', 200).superRefine(
  (key, context) => {
    const rest = key.replaceAll(placeholderPattern, '').replaceAll(/\$\{hash:([^{}]+)\}/g, '');
    const bad = [...key.matchAll(/\$\{hash:([^{}]+)\}/g)].map(([, pattern]) => globIssue(pattern ?? ''));
    const message =
      bad.find((issue) => issue !== undefined) ??
      (rest.includes('${') ? 'expected no placeholder but ${hash:pattern} and ${matrix.name}' : undefined);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  },
);

const cacheText = 'expected tables, e.g. [{ key = "npm-${hash:package-lock.json}", paths = [".npm"] }]';
const cache = listOf(
  z.strictObject(
    {
      key: cacheKey,
      paths: listOf(
        text('expected a list of paths, e.g. [".npm"]', 1000).refine(
          isInside,
          'expected paths inside the checkout, without a leading / and without ..',
        ),
        'expected a list of paths, e.g. [".npm"]',
        20,
      ).min(1, 'expected at least one path'),
    },
    cacheText,
  ),
  cacheText,
  10,
).optional();

const retryText = 'expected a whole number from 0 to 5';
const times = z.int(retryText).min(0, retryText).max(5, retryText).optional();
const retry = z
  .strictObject(
    { infrastructure: times, timeout: times, idle_timeout: times, lost: times } satisfies Record<
      (typeof retryKinds)[number],
      typeof times
    >,
    'expected a table, e.g. { infrastructure = 2 }',
  )
  .optional();

const artifactsText = 'expected a list of patterns, e.g. ["coverage/**"]';
const reportsText = 'expected a list of patterns, e.g. ["junit.xml"]';
const secretsText = 'expected a list of names, e.g. ["NPM_TOKEN"]';
const trueOrFalse = z.boolean('expected true or false').optional();

function commonKeys(minutes: z.ZodOptional<z.ZodInt>) {
  return {
    id: z
      .string('expected a text of a-z, 0-9, _ and -')
      .regex(/^[a-z0-9_-]{1,64}$/, 'expected 1 to 64 of a-z, 0-9, _ and -'),
    title: text('expected a text in quotes', 200).optional(),
    command: commandSchema(),
    timeout_minutes: minutes,
    idle_minutes: minutes,
    group: name(/^[A-Za-z0-9_.-]{1,64}$/, 'expected 1 to 64 letters, digits, _ . and -').optional(),
    target: name(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'expected 1 to 64 of a-z, 0-9, _ and -').optional(),
    matrix,
    required: trueOrFalse,
    env,
    cache,
    artifacts: listOf(insidePattern(artifactsText), artifactsText, 50).optional(),
    reports: listOf(insidePattern(reportsText), reportsText, 50).optional(),
    secrets: listOf(z.string(secretsText).pipe(variable), secretsText, 50).optional(),
    network: trueOrFalse,
    retry,
    keep_running: trueOrFalse,
  };
}

const made = new Map<string, ReturnType<typeof makeSchema>>();

/** Made once for each pair of limits, for making it takes longer than reading most manifests. */
export function manifestSchema(limits: ManifestLimits): ReturnType<typeof makeSchema> {
  const name = `${limits.maxLaneMinutes}/${limits.maxLanesPerManifest}`;
  let schema = made.get(name);
  if (schema === undefined) made.set(name, (schema = makeSchema(limits)));
  return schema;
}

function makeSchema({ maxLaneMinutes, maxLanesPerManifest }: ManifestLimits) {
  const minutesText = `expected a whole number of minutes from 1 to ${maxLaneMinutes}`;
  const minutes = z.int(minutesText).min(1, minutesText).max(maxLaneMinutes, minutesText).optional();
  const common = commonKeys(minutes);
  const lane = z.strictObject(
    {
      ...common,
      paths: z
        .array(pathPattern, 'expected a list of patterns, e.g. ["src/**"]')
        .min(1, 'expected at least one pattern')
        .max(200, 'expected at most 200 entries')
        .optional(),
      needs: listOf(
        text('expected a list of lane ids, e.g. ["build"]', 1000),
        'expected a list of lane ids, e.g. ["build"]',
        64,
      ).optional(),
    },
    'expected a [[lane]] table',
  );
  const scheduleText = 'expected a cron pattern of five fields, e.g. "0 3 * * *"';
  const schedule = text(scheduleText, 200).superRefine((pattern, context) => {
    const problem = scheduleProblem(pattern);
    if (problem !== undefined)
      context.addIssue({ code: 'custom', message: `${scheduleText}, but ${problem}` });
  });
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
    nightly: z
      .array(
        z.strictObject({ ...common, schedule }, 'expected a [[nightly]] table'),
        'expected [[nightly]] tables',
      )
      .max(maxNightlies, `expected at most ${maxNightlies} nightlies`)
      .optional(),
  });
}

type Read = z.output<ReturnType<typeof manifestSchema>>;
export type ReadDefaults = NonNullable<Read['defaults']>;
export type ReadLane = NonNullable<Read['lane']>[number];
export type ReadNightly = NonNullable<Read['nightly']>[number];
