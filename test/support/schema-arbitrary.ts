// Values of all kinds for a JSON schema: many that fit it, some that nearly do, and some that are something else.
import fc from 'fast-check';
import type { z } from 'zod';

type Schema = z.core.JSONSchema.BaseSchema;

const oddText = fc.constantFrom(
  '',
  ' ',
  'main',
  'feature',
  '../..',
  '\0',
  '\u202e',
  '-x',
  "'; --",
  'é'.repeat(200),
  'x'.repeat(3000),
  'a'.repeat(40),
  '\uD800',
);
const text = fc.oneof(fc.string({ maxLength: 20 }), fc.string({ unit: 'binary', maxLength: 20 }), oddText);
const oddNumber = fc.constantFrom(-1, 0, 1, 2, 1.5, 1e15, -1e15, Number.MAX_SAFE_INTEGER);

/** `examples` are taken often, by the name of the property. */
export function arbitraryOf(
  schema: Schema,
  examples: Record<string, readonly unknown[]>,
  name = '',
): fc.Arbitrary<unknown> {
  const fitting = fittingOf(schema, examples, name);
  const known = examples[name];
  return fc.oneof(
    { weight: 8, arbitrary: fitting },
    ...(known === undefined ? [] : [{ weight: 8, arbitrary: fc.constantFrom(...known) }]),
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
  );
}

function fittingOf(
  schema: Schema,
  examples: Record<string, readonly unknown[]>,
  name: string,
): fc.Arbitrary<unknown> {
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map((choice) => arbitraryOf(choice, examples, name)));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'object':
      return objectOf(schema, examples);
    case 'array': {
      const { items } = schema;
      const one = typeof items === 'object' && !Array.isArray(items) ? items : {};
      return fc.array(arbitraryOf(one, examples), { maxLength: 4 });
    }
    case 'string':
      return text;
    case 'number':
    case 'integer':
      return fc.oneof(fc.integer({ min: schema.minimum ?? -10, max: schema.maximum ?? 1000 }), oddNumber);
    case 'boolean':
      return fc.boolean();
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

/** What is not required is left out now and then, and once in a while what is required too. */
function objectOf(schema: Schema, examples: Record<string, readonly unknown[]>): fc.Arbitrary<unknown> {
  const properties = Object.entries(schema.properties ?? {}).map(
    ([name, property]): [string, fc.Arbitrary<unknown>] => [
      name,
      arbitraryOf(typeof property === 'object' ? property : {}, examples, name),
    ],
  );
  const parts = Object.fromEntries(properties);
  const whole = fc.record(parts, { requiredKeys: schema.required?.filter((name) => name in parts) ?? [] });
  return fc.oneof(
    { weight: 9, arbitrary: whole },
    { weight: 1, arbitrary: fc.record(parts, { requiredKeys: [] }) },
  );
}
