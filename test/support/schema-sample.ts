// The smallest value that fits a JSON schema, for tests that must send something a route reads.
import { z } from 'zod';

type Schema = z.core.JSONSchema.BaseSchema;

/** `examples` wins over the schema, by the name of a property. What a schema does not say, the model may still refuse. */
export const sampleOf = (model: z.ZodType, examples: Record<string, unknown>): unknown =>
  fit(z.toJSONSchema(model, { io: 'input', unrepresentable: 'any' }), examples);

function fit(schema: Schema, examples: Record<string, unknown>, name = ''): unknown {
  if (name in examples) return examples[name];
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices?.[0] !== undefined) return fit(choices[0], examples, name);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  switch (schema.type) {
    case 'object': {
      const properties = Object.entries(schema.properties ?? {});
      const needed = properties.filter(([key]) => schema.required?.includes(key) === true);
      return Object.fromEntries(
        needed.map(([key, property]) => [
          key,
          fit(typeof property === 'object' ? property : {}, examples, key),
        ]),
      );
    }
    case 'array':
      return [];
    case 'string':
      return 'x'.repeat(Math.max(1, schema.minLength ?? 1));
    case 'number':
    case 'integer':
      return schema.minimum ?? 1;
    case 'boolean':
      return false;
    default:
      return null;
  }
}
