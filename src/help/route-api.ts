// The API as programs read it, and the same as a page.
import { Router } from 'express';
import { z } from 'zod';
import { publicOrigin, type Forge } from '../forge/open.ts';
import { apiRoute, apiRow, type ApiRow } from '../web/api-route.ts';
import { describeApi, type ApiDescription, type JsonSchema, type Operation } from '../web/openapi.ts';
import { render } from '../web/render.ts';
import { referredModels, schemaText, type SchemaPart } from '../web/schema-text.ts';

/** The rows of all routes; they are complete when the first request comes. */
export interface DescribedApi {
  rows: () => readonly ApiRow[];
  version: string;
}

const row = apiRow({
  method: 'get',
  path: '/api/v1/openapi.json',
  summary: 'Describe the API (OpenAPI 3.1)',
  right: 'anyone',
  answer: z.looseObject({ openapi: z.string() }),
});

export function apiDescription(forge: Forge, api: DescribedApi): Router {
  const router = Router();
  let known: ApiDescription | undefined;
  apiRoute(router, row, (_request, response) => {
    known ??= describe(forge, api);
    response.json({ ...known });
  });
  return router;
}

/** `shell` is what every page of the help is given. */
export function apiPage(forge: Forge, api: DescribedApi, shell: Record<string, unknown>): Router {
  const router = Router();
  let shown: Record<string, unknown> | undefined;
  router.get('/help/api', (_request, response) => {
    shown ??= shownApi(describe(forge, api));
    render(response, 'help/api.njk', { ...shell, origin: originOf(forge), ...shown });
  });
  return router;
}

const originOf = (forge: Forge): string => new URL(publicOrigin(forge.config)).origin;

const describe = (forge: Forge, { rows, version }: DescribedApi): ApiDescription =>
  describeApi(rows(), { origin: originOf(forge), version });

/** The routes by their groups, and the models that are spoken of in several places, as the page shows them. */
function shownApi({ paths, tags, components }: ApiDescription) {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      id: operation.operationId,
      method: method.toUpperCase(),
      path,
      group: operation.tags[0],
      summary: operation.summary,
      notes: operation.description.split('\n\n').map(inTurns),
      parameters: operation.parameters.map(({ schema, ...parameter }) => ({
        ...parameter,
        parts: schemaText(schema),
      })),
      body: textOf(operation.requestBody, components.schemas),
      answers: answersOf(operation, components.schemas),
    })),
  );
  return {
    groups: tags.map((tag) => ({
      ...tag,
      id: tag.name.toLowerCase().replaceAll(' ', '-'),
      operations: operations
        .filter(({ group }) => group === tag.name)
        .toSorted((left, right) => left.path.localeCompare(right.path)),
    })),
    models: referredModels(components.schemas)
      .filter((name) => components.schemas[name] !== undefined)
      .map((name) => ({ name, parts: schemaText(components.schemas[name] ?? {}) })),
  };
}

interface Content {
  description?: string;
  content?: Record<string, { schema?: JsonSchema }>;
}

/** The shape of a JSON content, its own model told in place. */
function textOf(given: Content | undefined, schemas: Record<string, JsonSchema>): SchemaPart[] | undefined {
  const schema = given?.content?.['application/json']?.schema;
  if (schema === undefined) return undefined;
  const name = schema.$ref?.slice(schema.$ref.lastIndexOf('/') + 1);
  return schemaText(name === undefined ? schema : (schemas[name] ?? {}));
}

/** Several successes that are answered alike are one line. */
function answersOf({ responses }: Operation, schemas: Record<string, JsonSchema>) {
  const successes = Object.entries(responses as Record<string, Content>).filter(([status]) =>
    /^2\d\d$/.test(status),
  );
  const [first] = successes;
  return {
    statuses: successes.map(([status]) => status).join(' or '),
    kind: Object.keys(first?.[1].content ?? {})[0],
    parts: textOf(first?.[1], schemas),
  };
}

/** A sentence with code between backticks, as words and code in turns. */
const inTurns = (text: string): string[] => text.split('`');
