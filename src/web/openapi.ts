// The description of the API (OpenAPI 3.1), made of the rows by which its routes are mounted.
import { z } from 'zod';
import { apiGroups, groupOf, operationIdOf } from './api-groups.ts';
import { scopeOf, successesOf, type ApiRow } from './api-route.ts';
import { errorView } from './error-model.ts';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

export interface Parameter {
  name: string;
  in: 'path' | 'query';
  required: boolean;
  description?: string;
  schema: JsonSchema;
}

export interface Operation {
  operationId: string;
  summary: string;
  description: string;
  tags: string[];
  security: Record<string, string[]>[];
  parameters: Parameter[];
  requestBody?: { required: boolean; content: Record<string, { schema: JsonSchema }> };
  responses: Record<string, unknown>;
}

export interface ApiDescription {
  openapi: string;
  info: Record<string, unknown>;
  servers: { url: string }[];
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, JsonSchema> } & Record<string, unknown>;
}

const introduction = `Every action of a page of this forge is a route here.

Send a token as \`Authorization: Bearer TOKEN\`; public repositories can be read without one. A refusal is
\`{ "error": { "code", "message", "details?" } }\`: \`code\` is one of a closed list that goes with the HTTP status,
\`message\` is a sentence to show. New keys and new values of the lists of states may come with any version: read over
what you do not know. Times are RFC 3339 in UTC. Answers carry an \`ETag\`; asked for again with \`If-None-Match\`, what
did not change is answered with 304. How many requests are left stands in \`RateLimit\` and \`RateLimit-Policy\`; over
the limit the answer is 429 with \`Retry-After\`. To wait for something use the routes that wait, and never ask fast.`;

/** The description of all rows; `origin` is where the forge is reached. */
export function describeApi(
  rows: readonly ApiRow[],
  forge: { origin: string; version: string },
): ApiDescription {
  const models = collectModels(rows);
  const paths: ApiDescription['paths'] = {};
  for (const row of rows) {
    (paths[templateOf(row.path)] ??= {})[row.method] = operationOf(row, models);
  }
  const used = new Set(rows.map(groupOf));
  return {
    openapi: '3.1.0',
    info: {
      title: 'pika-git',
      version: forge.version,
      description: introduction,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: forge.origin }],
    tags: apiGroups.filter(({ name }) => used.has(name)).map((group) => ({ ...group })),
    paths,
    components: {
      schemas: models.schemas,
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A token of an account or of an agent.' },
        agent: { type: 'http', scheme: 'bearer', description: 'Issued for one attempt of a lane.' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'pika_session',
          description: 'A browser that signed in.',
        },
      },
      headers: {
        RateLimit: { description: 'What is left, and for how long.', schema: { type: 'string' } },
        RetryAfter: { description: 'Seconds until it may be asked again.', schema: { type: 'integer' } },
      },
      responses: {
        Refusal: {
          description: 'Refused; `code` says why and `message` what to do.',
          headers: { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } },
          content: { 'application/json': { schema: { $ref: schemaUri('Error') } } },
        },
        NotModified: { description: 'What the `If-None-Match` of the request names is still the answer.' },
      },
    },
  };
}

const schemaUri = (name: string): string => `#/components/schemas/${name}`;

/** `/a/:b/*c` → `/a/{b}/{c}`. */
const templateOf = (path: string): string => path.replaceAll(/[:*](\w+)/g, '{$1}');

interface Models {
  schemas: Record<string, JsonSchema>;
  /** The reference to a model that stands among the schemas. */
  referTo: (model: z.ZodType, part: 'answer' | 'body') => JsonSchema;
}

/** Every body and every answer as a named schema; what is the answer of one route is referred to by the others. */
function collectModels(rows: readonly ApiRow[]): Models {
  const names = {
    answer: new Map<z.ZodType, string>([[errorView, 'Error']]),
    body: new Map<z.ZodType, string>(),
  };
  for (const row of rows) {
    const id = operationIdOf(row);
    const stem = id.charAt(0).toUpperCase() + id.slice(1);
    if (typeof row.answer === 'object' && !names.answer.has(row.answer)) {
      names.answer.set(row.answer, `${stem}Answer`);
    }
    if (row.body !== undefined && !names.body.has(row.body)) names.body.set(row.body, `${stem}Body`);
  }
  return {
    schemas: { ...schemasOf(names.answer, 'output'), ...schemasOf(names.body, 'input') },
    referTo: (model, part) => ({ $ref: schemaUri(names[part].get(model) ?? '') }),
  };
}

function schemasOf(names: Map<z.ZodType, string>, io: 'input' | 'output'): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  for (const [model, id] of names) registry.add(model, { id });
  const { schemas } = z.toJSONSchema(registry, { ...options(io), uri: schemaUri });
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, bare(schema)]));
}

function bare({ $schema: _schema, $id: _id, ...schema }: JsonSchema): JsonSchema {
  return schema;
}

const options = (io: 'input' | 'output') => ({
  io,
  unrepresentable: 'any' as const,
  override: ({ jsonSchema: schema }: { jsonSchema: JsonSchema }) => {
    // The largest number that is exact in JavaScript says nothing to a reader.
    if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
    if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
    // A newer forge may tell more than this description knows.
    if (io === 'output' && schema.additionalProperties === false) delete schema.additionalProperties;
    // Only the forms of pages carry it, and they need it.
    if (schema.properties !== undefined) delete schema.properties['form_token'];
  },
});

function operationOf(row: ApiRow, models: Models): Operation {
  const body = row.body && {
    required: !row.body.safeParse({}).success,
    content: { 'application/json': { schema: models.referTo(row.body, 'body') } },
  };
  return {
    operationId: operationIdOf(row),
    summary: row.summary,
    description: [row.description, needsOf(row)].filter((part) => part !== undefined).join('\n\n'),
    tags: [groupOf(row)],
    security: securityOf(row),
    parameters: [...pathParameters(row.path), ...queryParameters(row.query)],
    ...(body && { requestBody: body }),
    responses: responsesOf(row, models),
  };
}

const needs: Record<ApiRow['right'], string> = {
  anyone: 'Anyone may ask; what the caller may not see is left out.',
  account: 'For every account',
  admin: 'For admins of the forge',
  agent: 'For the program that runs a lane elsewhere, with the credential of that attempt.',
  read: 'For who may read the repository',
  write: 'For who may write to the repository',
  maintain: 'For who maintains the repository',
};

/** Who may call a route, as a sentence. */
export function needsOf(row: ApiRow): string {
  const scope = scopeOf(row);
  return scope === 'none' ? needs[row.right] : `${needs[row.right]}; a token needs the scope \`${scope}\`.`;
}

function securityOf(row: ApiRow): Operation['security'] {
  if (row.right === 'agent') return [{ agent: [] }];
  const known = [{ token: [] }, { session: [] }];
  return row.right === 'anyone' || row.right === 'read' ? [{}, ...known] : known;
}

const pathNotes: Record<string, string> = {
  owner: 'Whom the repository belongs to.',
  repo: 'The name of the repository.',
  number: 'The number of the branch or run in its repository.',
  lane: 'The key of the lane, as its manifest has it.',
  oid: 'A whole object id.',
};

function pathParameters(path: string): Parameter[] {
  return [...path.matchAll(/[:*](\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    ...(pathNotes[name] && { description: pathNotes[name] }),
    schema: name === 'number' ? { type: 'integer', minimum: 1 } : { type: 'string' },
  }));
}

function queryParameters(query: z.ZodType | undefined): Parameter[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(query, options('input'));
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema: schema as JsonSchema,
  }));
}

function responsesOf(row: ApiRow, models: Models): Record<string, unknown> {
  const headers = { RateLimit: { $ref: '#/components/headers/RateLimit' } };
  const successes = successesOf(row).map((status) => [
    status,
    { description: successWords[status] ?? 'Done.', headers, ...contentOf(row.answer, models) },
  ]);
  const isCached = row.method === 'get' && row.answer !== 'text';
  return {
    ...(Object.fromEntries(successes) as Record<string, unknown>),
    ...(isCached && { 304: { $ref: '#/components/responses/NotModified' } }),
    '4XX': { $ref: '#/components/responses/Refusal' },
    '5XX': { $ref: '#/components/responses/Refusal' },
  };
}

const successWords: Record<number, string> = {
  200: 'Done.',
  201: 'Made.',
  204: 'Done; there is nothing to tell.',
  206: 'The part of the file that was asked for.',
};

function contentOf(answer: ApiRow['answer'], models: Models): Record<string, unknown> {
  if (answer === 'nothing') return {};
  if (answer === 'text') return { content: { 'text/plain': { schema: { type: 'string' } } } };
  if (answer === 'file') return { content: { 'application/octet-stream': {} } };
  return { content: { 'application/json': { schema: models.referTo(answer, 'answer') } } };
}
