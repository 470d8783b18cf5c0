// Holds each JSON answer of the API against the model of its row, and each refusal against the model of refusals, in
// the process that imports this: every forge that a test starts, and tests that mount routes themselves. What does not
// fit is answered with 500 and told on standard error, where `disposeServed` finds it; so every test of a forge is a
// test of the API's description too.
import { isDeepStrictEqual } from 'node:util';
import express, { type Request, type Response } from 'express';
import type { z } from 'zod';
import { rowOf, successesOf, type ApiRow } from '../../src/web/api-route.ts';
import { errorView } from '../../src/web/error-model.ts';
import { misfit } from './misfit.ts';

interface Answering extends Response {
  req: Request & { route?: { stack: { handle: object }[] } };
}

/** What is wrong with an answer, or undefined. Unknown keys are wrong as well: the description would not have them. */
export function problemOf(answer: {
  row: ApiRow | undefined;
  status: number;
  body: unknown;
}): string | undefined {
  const { row, status } = answer;
  const body: unknown = JSON.parse(JSON.stringify(answer.body ?? null));
  if (status >= 400) return unlike(errorView, body);
  if (row === undefined) return 'the route has no row';
  if (typeof row.answer !== 'object') return `the row says ${row.answer}, and the answer is JSON`;
  if (!successesOf(row).includes(status)) return `the row does not know the status ${status}`;
  return unlike(row.answer, body);
}

function unlike(model: z.ZodType, body: unknown): string | undefined {
  const result = model.safeParse(body);
  if (!result.success) {
    return result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  }
  return isDeepStrictEqual(result.data, body)
    ? undefined
    : 'the answer has keys that the model does not know';
}

const { json } = express.response;
express.response.json = function checked(this: Answering, body: unknown): Response {
  const path = this.req.originalUrl.split('?', 1)[0] ?? '';
  if (!path.startsWith('/api/')) return json.call(this, body);
  const mounted = this.req.route?.stack[0]?.handle;
  const problem = problemOf({ row: mounted && rowOf(mounted), status: this.statusCode, body });
  if (problem === undefined) return json.call(this, body);
  process.stderr.write(`${misfit} ${this.req.method} ${path} ${this.statusCode}: ${problem}\n`);
  this.status(500);
  return json.call(this, { error: { code: 'internal', message: `${misfit}: ${problem}` } });
} as typeof json;
