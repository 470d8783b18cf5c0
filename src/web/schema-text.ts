// A JSON schema as people read it: the shape of the JSON itself, with the kinds of its values in their places.
import type { JsonSchema } from './openapi.ts';

/** A piece of the text; `model` is the schema that it refers to. */
export interface SchemaPart {
  text: string;
  model?: string;
}

const step = '  ';

/** The shape of a schema, in pieces that stand one after the other. */
export function schemaText(schema: JsonSchema, indent = ''): SchemaPart[] {
  if (schema.$ref !== undefined) {
    const model = schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
    return [{ text: model, model }];
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) {
    return joined(
      choices.map((choice) => schemaText(choice, indent)),
      ' | ',
    );
  }
  if (schema.enum !== undefined) return plain(schema.enum.map((value) => JSON.stringify(value)).join(' | '));
  if (schema.const !== undefined) return plain(JSON.stringify(schema.const));
  if (schema.type === 'array')
    return [...plain('['), ...schemaText(itemsOf(schema), indent), ...plain(', …]')];
  if (schema.type === 'object') return objectText(schema, indent);
  return plain(typeof schema.type === 'string' ? `${schema.type}${limitsOf(schema)}` : 'any');
}

function objectText(schema: JsonSchema, indent: string): SchemaPart[] {
  const properties = Object.entries(schema.properties ?? {}) as [string, JsonSchema][];
  const required = schema.required ?? [];
  if (properties.length === 0) {
    const values = schema.additionalProperties;
    if (typeof values !== 'object') return plain('{}');
    return [...plain('{ name: '), ...schemaText(values, indent), ...plain(', … }')];
  }
  const inner = indent + step;
  return [
    ...plain('{\n'),
    ...properties.flatMap(([name, property]) => [
      ...plain(`${inner}${name}${required.includes(name) ? '' : '?'}: `),
      ...schemaText(property, inner),
      ...plain('\n'),
    ]),
    ...plain(`${indent}}`),
  ];
}

const plain = (text: string): SchemaPart[] => [{ text }];

const itemsOf = (schema: JsonSchema): JsonSchema =>
  typeof schema.items === 'object' && !Array.isArray(schema.items) ? schema.items : {};

const joined = (parts: readonly SchemaPart[][], by: string): SchemaPart[] =>
  parts.flatMap((part, place) => (place === 0 ? part : [...plain(by), ...part]));

/** What a value may be beside its kind, in a few words. */
function limitsOf({ minimum, maximum, minLength, maxLength, default: usual }: JsonSchema): string {
  const told = [
    range(minimum, maximum, ''),
    range(minLength, maxLength, ' characters'),
    ...(usual === undefined ? [] : [`else ${JSON.stringify(usual)}`]),
  ].filter((text) => text !== '');
  return told.length === 0 ? '' : ` (${told.join(', ')})`;
}

function range(from: number | undefined, to: number | undefined, unit: string): string {
  if (from === undefined && to === undefined) return '';
  if (to === undefined) return `from ${from}${unit}`;
  return from === undefined ? `up to ${to}${unit}` : `${from}–${to}${unit}`;
}

/** The names of the schemas that others refer to from within, which a reader looks up. */
export function referredModels(schemas: Record<string, JsonSchema>): string[] {
  const found = new Set<string>();
  const visit = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return;
    const { $ref } = part as { $ref?: unknown };
    if (typeof $ref === 'string') found.add($ref.slice($ref.lastIndexOf('/') + 1));
    for (const value of Object.values(part)) visit(value);
  };
  visit(schemas);
  return [...found].toSorted();
}
