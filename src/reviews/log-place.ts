// The lines of a lane's log that a thread is about. The lines themselves are kept with the thread, because logs are not
// kept for ever.
import type { Branch, Revision } from '../branches/model.ts';
import { findRun, getLane, listAttempts, newestRunOfHead } from '../ci/find.ts';
import { readLines, type LogRow } from '../ci/logs/log-lines.ts';
import type { Attempt, Run } from '../ci/model.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { checkRange, contextLine, contextOf } from './file-lines.ts';
import type { ContextLine, ThreadRequest } from './model.ts';
import type { NewThread } from './thread-store.ts';

interface LogOrder {
  branch: Branch;
  revision: Revision;
  request: ThreadRequest;
  lane: string;
}

/** Refuses (`invalid`, `not_found`) a run, a lane, an attempt or lines that are not there. */
export async function readLogPlace(
  forge: Forge,
  order: LogOrder,
): Promise<Pick<NewThread, 'log' | 'firstLine' | 'lastLine' | 'context' | 'revision'>> {
  const { request, branch, revision } = order;
  const run = runOf(forge, order);
  const lane = getLane(forge, run, order.lane);
  const attempt = attemptOf(listAttempts(forge, lane.id), request.attempt);
  const place = {
    log: { run: run.number, lane: lane.key, attempt: attempt.number },
    revision: run.branchId === branch.id ? (run.revision ?? revision.number) : revision.number,
  };
  const { line } = request;
  if (line === undefined) return { ...place, firstLine: undefined, lastLine: undefined, context: [] };
  const firstLine = request.firstLine ?? line;
  checkRange(forge, { firstLine, line });
  const context = await readLogContext(forge, { attempt, firstLine, lastLine: line });
  return { ...place, firstLine, lastLine: line, context };
}

function runOf(forge: Forge, { branch, revision, request }: LogOrder): Run {
  const run =
    request.run === undefined
      ? newestRunOfHead(forge, branch.repoId, revision.headOid)
      : findRun(forge, branch.repoId, request.run);
  if (run === undefined) {
    throw new ForgeError(
      'invalid',
      request.run === undefined
        ? `lane: revision ${revision.number} has no run yet; comment on a line of its code, or on the whole branch.`
        : `run: there is no run ${request.run} in this repository.`,
    );
  }
  if (run.branchId === branch.id || run.headOid === revision.headOid) return run;
  throw new ForgeError('invalid', `run: run ${run.number} is not of branch #${branch.number}.`);
}

function attemptOf(attempts: readonly Attempt[], number: number | undefined): Attempt {
  const attempt = number === undefined ? attempts.at(-1) : attempts.find((one) => one.number === number);
  if (attempt !== undefined) return attempt;
  throw new ForgeError('invalid', `attempt: the lane has ${attempts.length} attempts; name one of them.`);
}

async function readLogContext(
  forge: Forge,
  { attempt, firstLine, lastLine }: { attempt: Attempt; firstLine: number; lastLine: number },
): Promise<ContextLine[]> {
  const { from, to } = contextOf({ firstLine, lastLine, lines: Number.POSITIVE_INFINITY });
  const { rows: read, lines } = await readLines(forge, attempt, { from, rows: to - from + 1, open: 'all' });
  if (lastLine > lines) {
    throw new ForgeError('invalid', `line: the log has ${lines} lines now; choose one of them.`);
  }
  return read.flatMap(textOf).filter(({ number }) => number <= to);
}

const textOf = (row: LogRow): ContextLine[] =>
  row.kind === 'fold'
    ? [contextLine(row.number, row.name), ...(row.rows ?? []).flatMap(textOf)]
    : [contextLine(row.number, row.spans.map(({ text }) => text).join(''))];
