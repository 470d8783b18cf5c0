// One row for each route of the API. The row that mounts a route is the row that describes it (web/openapi.ts), that
// the tests hold its answers against, and that says who may call it; so none of these can drift from the others.
import type { Express, Request, RequestHandler, Response, Router } from 'express';
import type { z } from 'zod';
import { parse } from './parse.ts';

export type ApiMethod = 'get' | 'post' | 'put' | 'patch' | 'delete';

/**
 * Who may call a route: `anyone`; whoever has an `account`; an `admin` of the forge; the `agent` that runs a lane elsewhere,
 * by the credential of its attempt; or who holds the right `read`, `write` or `maintain` on the repository that the path
 * names.
 */
export type ApiRight = 'anyone' | 'account' | 'admin' | 'agent' | 'read' | 'write' | 'maintain';

/** What the token of a caller must allow at least; `none` where a caller needs no credential. */
export type ApiScope = 'none' | 'read' | 'write' | 'admin';

/** What is no JSON: `text`, the bytes of a `file`, or `nothing` (204). */
export type PlainAnswer = 'text' | 'file' | 'nothing';

export interface ApiRow<
  Path extends string = string,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Answer extends z.ZodType | PlainAnswer = z.ZodType | PlainAnswer,
> {
  method: ApiMethod;
  /** As express spells it, from `/api/v1` on. */
  path: Path;
  /** Mounted in the place of `path` where the route reads the rest of the address itself. */
  at?: RegExp;
  /** One line in the imperative: "Merge a branch". */
  summary: string;
  /** What a caller must know beyond the models: order, refusals, headers of the answer. */
  description?: string;
  right: ApiRight;
  /** Only where it is not what the right and the method ask for by themselves; see `scopeOf`. */
  scope?: ApiScope;
  query?: Query;
  body?: Body;
  answer: Answer;
  /** What a success is answered with; 200, or 204 for `nothing`. */
  status?: number | readonly number[];
}

/** What was sent, read by the models of the row; a route reads it after it has asked for the right. */
interface Sent<Query extends z.ZodType, Body extends z.ZodType> {
  query: () => z.output<Query>;
  body: () => z.output<Body>;
}

type NameIn<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | NameIn<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

type Params<Path extends string> = { [Name in NameIn<Path>]: string };

type AnswerBody<Answer> = Answer extends z.ZodType ? z.input<Answer> : unknown;

const rows = new WeakMap<object, ApiRow>();

/** A row that stands apart from its route, for a file whose rows read as one table. */
export const apiRow = <
  Path extends string,
  Answer extends z.ZodType | PlainAnswer,
  Query extends z.ZodType = z.ZodType<undefined>,
  Body extends z.ZodType = z.ZodType<undefined>,
>(
  row: ApiRow<Path, Query, Body, Answer>,
): ApiRow<Path, Query, Body, Answer> => row;

/** Mounts a route of the API by its row. */
export function apiRoute<
  Path extends string,
  Answer extends z.ZodType | PlainAnswer,
  Query extends z.ZodType = z.ZodType<undefined>,
  Body extends z.ZodType = z.ZodType<undefined>,
>(
  router: Router,
  row: ApiRow<Path, Query, Body, Answer>,
  answer: (
    request: Request<Params<Path>, AnswerBody<Answer>>,
    response: Response<AnswerBody<Answer>>,
    sent: Sent<Query, Body>,
  ) => unknown,
): void {
  const read = (part: z.ZodType | undefined, what: 'query' | 'body', given: unknown): unknown => {
    if (part === undefined) throw new TypeError(`${row.method} ${row.path} has no model of its ${what}`);
    return parse(part, given);
  };
  const mounted: RequestHandler = (request, response) =>
    answer(request as unknown as Request<Params<Path>, AnswerBody<Answer>>, response, {
      query: () => read(row.query, 'query', request.query) as z.output<Query>,
      body: () => read(row.body, 'body', (request.body as unknown) ?? {}) as z.output<Body>,
    });
  rows.set(mounted, row);
  router[row.method](row.at ?? row.path, mounted);
}

/** The row by which a function was mounted; undefined for routes that are not of the API. */
export const rowOf = (mounted: object): ApiRow | undefined => rows.get(mounted);

/** The scope that a row asks for: what changes settings wants every scope, other writes `write`. */
export function scopeOf({ right, method, scope }: ApiRow): ApiScope {
  if (scope !== undefined) return scope;
  if (right === 'anyone' || right === 'agent') return 'none';
  if (right === 'admin' || right === 'maintain') return 'admin';
  return right === 'write' || method !== 'get' ? 'write' : 'read';
}

/** What a success of the route is answered with, the usual one first. */
export function successesOf({ status, answer }: ApiRow): readonly number[] {
  if (status === undefined) return [answer === 'nothing' ? 204 : 200];
  return typeof status === 'number' ? [status] : status;
}

export interface MountedRoute {
  /** In small letters; `all` for a route that takes every method. */
  method: string;
  path: string | RegExp;
  row: ApiRow | undefined;
}

interface Layer {
  route?: { path: string | RegExp; stack: { method?: string; handle: object }[] };
  handle: { stack?: Layer[] };
}

/** Every route that an application answers, in the order in which they are asked. */
export function mountedRoutes(app: Express): MountedRoute[] {
  const walk = (layers: readonly Layer[]): MountedRoute[] =>
    layers.flatMap(({ route, handle }) =>
      route === undefined
        ? walk(handle.stack ?? [])
        : route.stack.map((step) => ({
            method: step.method ?? 'all',
            path: route.path,
            row: rowOf(step.handle),
          })),
    );
  return walk((app.router as unknown as { stack: Layer[] }).stack);
}
