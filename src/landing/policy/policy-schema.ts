// The shape of .pika/policy.toml. Each message says what was expected; the line and the key are added by
// policy-refusal.ts.
import { z } from 'zod';
import { errorMessage } from '../../lib/errors.ts';
import { compileGlob } from '../../lib/glob.ts';
import { mergeMethods } from '../../repos/model.ts';

const maxApprovals = 20;
const maxOwnerRules = 200;
const maxEntries = 100;
const maxBatch = 32;
const maxSpeculation = 16;
const maxWaitMinutes = 30 * 24 * 60;

const trueOrFalse = z.boolean('expected true or false');

const whole = (least: number, most: number, unit = '') => {
  const expected = `expected a whole number${unit} from ${least} to ${most}`;
  return z.int(expected).min(least, expected).max(most, expected);
};

const oneOf = <const Choices extends readonly string[]>(choices: Choices) =>
  z.enum(choices, `expected one of ${choices.map((choice) => `"${choice}"`).join(', ')}`);

const patternsText = 'expected a list of patterns, e.g. ["src/**"]';
const pattern = z.string(patternsText).superRefine((text, context) => {
  try {
    compileGlob(text);
  } catch (error) {
    const message = `expected a pattern of paths, but ${errorMessage(error)}`;
    context.addIssue({ code: 'custom', message });
  }
});
const patterns = z.array(pattern, patternsText).max(maxEntries, `expected at most ${maxEntries} entries`);

const namesText = 'expected a list of account names, e.g. ["ana", "ben"]';
const ownerRule = z.strictObject(
  {
    paths: patterns.min(1, 'expected at least one pattern'),
    owners: z
      .array(z.string(namesText).regex(/^[a-z0-9][a-z0-9-]{0,38}$/i, namesText), namesText)
      .min(1, 'expected at least one account')
      .max(maxEntries, `expected at most ${maxEntries} entries`),
  },
  'expected a [[gate.owners]] table',
);

const size = z.strictObject(
  {
    max_files: whole(1, 1_000_000).optional(),
    max_added_lines: whole(1, 100_000_000).optional(),
    max_file_bytes: whole(1, 10_000_000_000, ' of bytes').optional(),
  },
  'expected a [gate.size] table',
);

const secrets = z.strictObject(
  { refuse: trueOrFalse.default(false), allow_paths: patterns.default([]) },
  'expected a [gate.secrets] table',
);

const gate = z.strictObject(
  {
    approvals: whole(0, maxApprovals).default(0),
    agents_count: trueOrFalse.default(false),
    resolved_threads: trueOrFalse.default(false),
    up_to_date: trueOrFalse.default(false),
    stale_approvals: oneOf(['keep', 'dismiss']).default('keep'),
    owners: z
      .array(ownerRule, 'expected [[gate.owners]] tables')
      .max(maxOwnerRules, `expected at most ${maxOwnerRules} tables`)
      .default([]),
    size: size.prefault({}),
    secrets: secrets.prefault({}),
  },
  'expected a [gate] table',
);

const landing = z.strictObject(
  {
    batch: whole(1, maxBatch).default(4),
    speculation: whole(1, maxSpeculation).default(1),
    method: oneOf(mergeMethods).optional(),
    max_wait_minutes: whole(1, maxWaitMinutes, ' of minutes').default(1440),
  },
  'expected a [landing] table',
);

export const policySchema = z.strictObject({
  version: z.literal(1, 'expected 1, the only version there is').optional(),
  gate: gate.prefault({}),
  landing: landing.prefault({}),
});

/** The keys of each table, for whoever mistyped one. */
export const policyKeys: Record<string, string> = {
  '': 'version, gate, landing',
  gate: Object.keys(gate.shape).join(', '),
  'gate.owners': Object.keys(ownerRule.shape).join(', '),
  'gate.size': Object.keys(size.shape).join(', '),
  'gate.secrets': Object.keys(secrets.shape).join(', '),
  landing: Object.keys(landing.shape).join(', '),
};
