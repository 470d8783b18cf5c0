// Threads on the command line: shown, begun, answered, settled.
import { readFileSync } from 'node:fs';
import { errorMessage } from '../../lib/errors.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { commentView, threadsView, threadView, type ThreadView } from '../../reviews/model.ts';
import { appliedView } from '../../reviews/suggestion-model.ts';
import { wrongUse } from '../failure.ts';
import { clean, cleanLine, printJson, stdout } from '../output.ts';
import { branchRoute, findBranch, findPlace, type Place, type PlaceOptions } from '../place.ts';
import { shortOid } from '../verdict.ts';

type Options = PlaceOptions & {
  json?: boolean;
  message?: string;
  file?: string;
  at?: string;
  old?: boolean;
  step?: string;
  lane?: string;
  logLines?: string;
  attempt?: string;
  reply?: string;
  draft?: boolean;
  resolve?: string;
  unresolve?: string;
  open?: boolean;
  apply?: string;
};

interface Asked {
  place: Place;
  route: string;
  options: Options;
}

export async function comment(given: string | undefined, options: Options): Promise<ExitStatus> {
  const body = textOf(options);
  const written = body === undefined ? undefined : { body, draft: options.draft === true };
  const { apply } = options;
  if (apply !== undefined && !/^[0-9]{1,12}$/.test(apply)) {
    throw wrongUse(`"${apply}" is no comment; ph comment --json shows their numbers`);
  }
  if (apply !== undefined && body !== undefined) throw wrongUse('Apply a suggestion, or write a comment');
  const settled = [options.resolve, options.unresolve, options.reply].filter((id) => id !== undefined);
  for (const id of settled) {
    if (!/^[0-9]{1,12}$/.test(id)) throw wrongUse(`"${id}" is no thread; ph comment shows their numbers`);
  }
  if (settled.length > 1) throw wrongUse('Do one thing at a time: --reply, --resolve or --unresolve');
  if (body === undefined && (options.reply ?? options.at ?? options.step ?? options.lane) !== undefined) {
    throw wrongUse('Say something: --message TEXT, or --file FILE');
  }
  const about = aboutOf(options);
  const place = await findPlace(options);
  const { view } = await findBranch(place, given);
  const asked = { place, route: branchRoute(place, view.number), options };
  if (apply !== undefined) await applySuggestion(asked, Number(apply), view.head);
  else if (options.resolve !== undefined) await settle(asked, `${options.resolve}/resolve`);
  else if (options.unresolve !== undefined) await settle(asked, `${options.unresolve}/unresolve`);
  else if (written === undefined) await show(asked);
  else if (options.reply !== undefined) await reply(asked, options.reply, written);
  else await begin(asked, { ...written, ...about });
  return exitStatus.done;
}

function textOf({ message, file }: Options): string | undefined {
  if (file === undefined) return message;
  if (message !== undefined) throw wrongUse('Give --message or --file, not both');
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw wrongUse(`The file ${file} cannot be read: ${errorMessage(error)}.`);
  }
}

/** What a new thread is about: a place in the code, a step of the tutorial, or a log. */
function aboutOf({ at, old, step, lane, logLines, attempt }: Options): Record<string, unknown> {
  if ([at, step, lane].filter((thing) => thing !== undefined).length > 1) {
    throw wrongUse('A comment is about one thing: --at, --step or --lane');
  }
  if (lane === undefined && (logLines ?? attempt) !== undefined) {
    throw wrongUse('Name the lane whose log it is: --lane NAME');
  }
  if (at !== undefined) return placeOf(at, old);
  if (step !== undefined) return { step: numberOf(step, 'step; ph tutorial numbers them') };
  if (lane === undefined) return {};
  const of = attempt === undefined ? {} : { attempt: numberOf(attempt, 'attempt; they count from 1') };
  if (logLines === undefined) return { lane, ...of };
  const [, first, last = first] = /^(\d{1,8})(?:-(\d{1,8}))?$/.exec(logLines) ?? [];
  if (first === undefined) throw wrongUse(`"${logLines}" are no lines; write --log-lines 12 or 10-12`);
  return { lane, ...of, firstLine: Number(first), line: Number(last) };
}

function numberOf(text: string, what: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw wrongUse(`"${text}" is no ${what}`);
}

/** `src/a.ts`, `src/a.ts:12` or `src/a.ts:10-12`. */
function placeOf(at: string, isOld: boolean | undefined): Record<string, unknown> {
  const match = /^(.+?)(?::(\d{1,8})(?:-(\d{1,8}))?)?$/s.exec(at);
  const [, path, first, last] = match ?? [];
  if (path === undefined) throw wrongUse(`"${at}" is no place; write --at src/a.ts:12`);
  if (first === undefined) return { path };
  const side = isOld ? 'old' : 'new';
  return { path, side, firstLine: Number(first), line: Number(last ?? first) };
}

async function applySuggestion({ place, route, options }: Asked, id: number, head: string): Promise<void> {
  const request = { suggestions: [{ comment: id }], head };
  const answer = await place.client.post(`${route}/suggestions/apply`, request, appliedView);
  if (options.json) printJson(answer);
  else stdout.line(`applied as revision ${answer.revision}: ${shortOid(answer.head)}; take it with git pull`);
}

async function begin({ place, route, options }: Asked, request: Record<string, unknown>): Promise<void> {
  const thread = await place.client.post(`${route}/threads`, request, threadView);
  if (options.json) printJson(thread);
  else stdout.line(`${options.draft ? 'kept as a draft' : 'commented'}: thread ${thread.id} ${thread.url}`);
}

async function reply({ place, route, options }: Asked, id: string, written: object): Promise<void> {
  const answer = await place.client.post(`${route}/threads/${id}/comments`, written, commentView);
  if (options.json) printJson(answer);
  else stdout.line(`${options.draft ? 'kept as a draft' : 'answered'} in thread ${answer.thread}`);
}

async function settle({ place, route, options }: Asked, path: string): Promise<void> {
  const thread = await place.client.post(`${route}/threads/${path}`, {}, threadView);
  if (options.json) printJson(thread);
  else stdout.line(`thread ${thread.id} is ${thread.state}`);
}

async function show({ place, route, options }: Asked): Promise<void> {
  const threads: ThreadView[] = [];
  const state = options.open ? 'open' : 'all';
  for (let after: number | null = 0; after !== null;) {
    const query = { state, after };
    const page: { threads: ThreadView[]; next: number | null } = await place.client.get(`${route}/threads`, {
      answer: threadsView,
      query,
    });
    threads.push(...page.threads);
    after = page.next;
  }
  if (options.json) printJson({ threads });
  else if (threads.length === 0) stdout.line(options.open ? 'no open thread' : 'no comment yet');
  else for (const thread of threads) print(thread);
}

function print(thread: ThreadView): void {
  const state = thread.kind === 'branch' ? 'comment' : thread.state;
  const colour = state === 'open' ? 'yellow' : 'dim';
  stdout.line(`${stdout.paint('bold', `${thread.id}`)} ${stdout.paint(colour, state)}${whereOf(thread)}`);
  for (const { author, body, state: how } of thread.comments) {
    const mark = how === 'draft' ? ' (draft)' : '';
    stdout.line(`  ${stdout.paint('bold', cleanLine(author.name))}${mark}:`);
    const text = how === 'deleted' ? 'This comment was deleted.' : clean(body);
    for (const line of text.split('\n')) stdout.line(`    ${line}`.trimEnd());
  }
  stdout.line();
}

function whereOf(thread: ThreadView): string {
  const { now, side, revision, path, firstLine, line, step, log } = thread;
  if (step !== null)
    return ` step "${cleanLine(step)}"${now.state === 'outdated' ? ` (of revision ${revision})` : ''}`;
  if (log !== null) {
    const at = line === null ? '' : `:${firstLine === line ? line : `${firstLine}-${line}`}`;
    return ` log of ${cleanLine(log.lane)}${at} (run ${log.run}, attempt ${log.attempt})`;
  }
  if (path === null) return '';
  const isGone = now.state === 'outdated';
  const [shown, from, to] = isGone ? [path, firstLine, line] : [now.path ?? path, now.firstLine, now.line];
  const lines = to === null ? '' : `:${from === to ? to : `${from}-${to}`}`;
  const before = side === 'old' ? ' (as before)' : '';
  return ` ${cleanLine(shown)}${lines}${before}${isGone ? ` (outdated, of revision ${revision})` : ''}`;
}
