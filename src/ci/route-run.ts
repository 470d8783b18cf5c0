// What a route of a run or a lane names, found within its repository: a number of another repository is not found.
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { repoOf } from '../repos/guard.ts';
import type { Repo, Right } from '../repos/model.ts';
import { parse } from '../web/parse.ts';
import { findLane, findRun, listAttempts } from './find.ts';
import type { Attempt, Lane, Run } from './model.ts';

interface Exchange {
  request: Request;
  response: Response;
}

const runNumber = z.coerce.number('expected a number').int().min(1).max(1e9);
/** Which attempt of a lane is meant; the newest when none is named. */
export const attemptQuery = z.object({
  attempt: z.coerce.number('expected a number').int().min(1).max(1e6).optional(),
});

export function runOfRoute(forge: Forge, exchange: Exchange, right: Right): { repo: Repo; run: Run } {
  const repo = repoOf(forge, exchange, right);
  const number = runNumber.safeParse(exchange.request.params['number']);
  const run = number.success ? findRun(forge, repo.id, number.data) : undefined;
  if (run === undefined) {
    throw new ForgeError('not_found', `There is no run ${String(exchange.request.params['number'])} here.`);
  }
  return { repo, run };
}

export interface LaneOfRoute {
  repo: Repo;
  run: Run;
  lane: Lane;
  /** Oldest first. */
  attempts: Attempt[];
  /** The one asked for with `?attempt=N`, else the newest. */
  attempt: Attempt;
}

export function laneOfRoute(forge: Forge, exchange: Exchange): LaneOfRoute {
  const { repo, run } = runOfRoute(forge, exchange, 'read');
  const key = String(exchange.request.params['lane']);
  const lane = findLane(forge, run.id, key);
  if (lane === undefined) throw new ForgeError('not_found', `Run ${run.number} has no lane "${key}".`);
  const wanted = parse(attemptQuery, exchange.request.query).attempt;
  const attempts = listAttempts(forge, lane.id);
  const attempt = wanted === undefined ? attempts.at(-1) : attempts.find(({ number }) => number === wanted);
  if (attempt === undefined)
    throw new ForgeError('not_found', `The lane ${key} has no attempt ${wanted ?? ''}.`);
  return { repo, run, lane, attempts, attempt };
}

/** The page of a run, or of a lane of it. */
export function runPathOf(repo: Repo, run: Run, lane?: string): string {
  const path = `/${repo.owner}/${repo.name}/runs/${run.number}`;
  return lane === undefined ? path : `${path}/lanes/${encodeURIComponent(lane)}`;
}

export const lanePathOf = ({ repo, run, lane }: LaneOfRoute): string => runPathOf(repo, run, lane.key);
