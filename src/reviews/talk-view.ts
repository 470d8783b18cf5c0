// Threads and reviews as pages show them: where they stand in the revision that is read, their text as HTML, and what
// the reader may do with them.
import { createHash } from 'node:crypto';
import type { Caller } from '../accounts/model.ts';
import { listRevisions } from '../branches/find.ts';
import type { Branch, Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { Recent } from '../lib/recent.ts';
import { includesRight, type Repo } from '../repos/model.ts';
import { rightOn } from '../repos/rights.ts';
import { visible, visibleName } from '../web/filters.ts';
import { plainDocument, renderMarkdown } from '../web/markdown.ts';
import { listComments, listThreads } from './find.ts';
import { followThreads, type Placed } from './follow.ts';
import { mentionedIn } from './mentions.ts';
import type { Comment, ContextLine, PlaceState, Review, Side, Thread, VerdictKind } from './model.ts';
import { noteOf } from './submit.ts';
import { digestOf } from './suggestion-digest.ts';
import { partsOf } from './suggestion-model.ts';

interface TalkAuthor {
  name: string;
  kind: 'person' | 'agent' | 'system';
}

export interface TalkComment {
  id: number;
  author: TalkAuthor;
  /** Its Markdown as HTML, with the suggestions in it as what they would change. */
  parts: TalkPart[];
  /** The Markdown itself, for whoever may change it. */
  source: string | undefined;
  at: number;
  isEdited: boolean;
  state: 'published' | 'draft' | 'deleted';
  mayDelete: boolean;
}

export type TalkPart =
  | { kind: 'text'; html: string }
  | {
      kind: 'suggestion';
      rows: { kind: 'removed' | 'added'; text: string }[];
      /** How many lines it takes away above these: of a long range, the end alone is kept. */
      left: number;
      /** Which suggestion it is, and what it says, for the form that applies it; undefined where it cannot be. */
      choice: string | undefined;
    };

export interface TalkThread {
  id: number;
  kind: Thread['kind'];
  at: number;
  isResolved: boolean;
  resolvedByName: string | undefined;
  state: PlaceState;
  /** Where it stands in the revision that is read. */
  path: string | undefined;
  side: Side | undefined;
  firstLine: number | undefined;
  lastLine: number | undefined;
  /** The path as people see it, and `line 12` or `lines 10–12`. */
  shownPath: string;
  lines: string;
  /** The title of the step it is about; undefined for everything else. */
  step: string | undefined;
  /** The lane whose log it is about, and where its lines are. */
  log: { lane: string; href: string } | undefined;
  /** The revision it was written about, and the lines it kept of it. */
  revision: number;
  context: (ContextLine & { isMarked: boolean })[];
  comments: TalkComment[];
  mayReply: boolean;
  mayResolve: boolean;
  /** The head that its suggestions can be applied to. */
  head: string;
}

export interface TalkReview {
  id: number;
  author: TalkAuthor;
  verdict: VerdictKind;
  note: string | undefined;
  html: string;
  revision: number;
  headOid: string;
  at: number;
}

export interface TalkPlace {
  repo: Repo;
  branch: Branch;
  caller: Caller;
  /** The revision that is read. */
  revision: Revision;
}

const rendered = new Recent<string>(8_000_000);
// Longer than this a page does not wait for its texts; the rest of them stays plain.
const maxRenderMs = 4000;

/** Every thread of the branch that the reader may see, or those asked for, the oldest first. */
export async function talkOf(
  forge: Forge,
  place: TalkPlace,
  only?: readonly Thread[],
): Promise<TalkThread[]> {
  const { repo, branch, caller, revision } = place;
  const viewerId = caller.account?.id ?? 0;
  const threads = only ?? listThreads(forge, { branch, viewerId });
  if (threads.length === 0) return [];
  const placed = await followThreads(forge, {
    repoId: repo.id,
    threads,
    revisions: listRevisions(forge, branch.id),
    to: revision,
  });
  const comments = Map.groupBy(
    listComments(forge, { branch, threads, viewerId }),
    ({ threadId }) => threadId,
  );
  const page = openPage(forge, place);
  const talk: TalkThread[] = [];
  for (const thread of threads) {
    const of = comments.get(thread.id) ?? [];
    talk.push(await toTalk(page, { thread, placed: placed.get(thread.id), comments: of }));
  }
  return talk;
}

export async function talkReviews(
  forge: Forge,
  place: TalkPlace,
  reviews: readonly Review[],
): Promise<TalkReview[]> {
  const page = openPage(forge, place);
  const shown: TalkReview[] = [];
  for (const review of reviews) shown.push(await toTalkReview(page, review));
  return shown;
}

interface Page {
  forge: Forge;
  repo: Repo;
  branch: Branch;
  caller: Caller;
  mayWrite: boolean;
  mayMaintain: boolean;
  mayReply: boolean;
  /** The branch can take a commit, and the revision that is read is its newest. */
  isOpenHead: boolean;
  until: number;
}

function openPage(forge: Forge, { repo, branch, caller, revision }: TalkPlace): Page {
  const right = rightOn(forge, caller, repo);
  return {
    forge,
    repo,
    branch,
    caller,
    mayWrite: includesRight(right, 'write'),
    mayMaintain: includesRight(right, 'maintain'),
    mayReply: caller.account !== undefined && caller.account.kind !== 'system' && caller.scope !== 'read',
    isOpenHead:
      branch.state === 'open' && branch.brokenReason === undefined && revision.number === branch.revision,
    until: performance.now() + maxRenderMs,
  };
}

async function toTalk(
  page: Page,
  { thread, placed, comments }: { thread: Thread; placed: Placed | undefined; comments: Comment[] },
): Promise<TalkThread> {
  const { firstLine, lastLine } = placed ?? thread;
  const path = placed?.path ?? thread.path;
  const isInvolved =
    page.caller.account !== undefined &&
    [comments[0]?.accountId, page.branch.authorId].includes(page.caller.account.id);
  const shown: TalkComment[] = [];
  const state = placed?.state ?? 'outdated';
  const takes = state === 'here' && page.isOpenHead && page.mayWrite && page.mayReply;
  for (const comment of comments) shown.push(await toTalkComment(page, { comment, thread, takes }));
  return {
    id: thread.id,
    kind: thread.kind,
    at: thread.createdAt,
    isResolved: thread.resolvedAt !== undefined,
    resolvedByName: thread.resolvedByName,
    state,
    path,
    side: thread.side,
    firstLine,
    lastLine,
    shownPath: visibleName(path ?? ''),
    lines: wordsOf(firstLine, lastLine),
    step: thread.step,
    log: logOf(page, thread),
    revision: thread.revision,
    context: thread.context.map(({ number, text }) => ({
      number,
      text: visible(text),
      isMarked: number >= (thread.firstLine ?? 0) && number <= (thread.lastLine ?? 0),
    })),
    comments: shown,
    mayReply: page.mayReply,
    mayResolve: thread.kind !== 'branch' && page.mayReply && (page.mayWrite || isInvolved),
    head: page.branch.headOid,
  };
}

function logOf({ repo }: Page, { log, firstLine, lastLine }: Thread): TalkThread['log'] {
  if (log === undefined) return undefined;
  const lane = `/${repo.owner}/${repo.name}/runs/${log.run}/lanes/${encodeURIComponent(log.lane)}`;
  const lines = firstLine === lastLine ? `#L${lastLine}` : `#L${firstLine}-L${lastLine}`;
  const at = lastLine === undefined ? '' : `&line=${lastLine}${lines}`;
  return { lane: log.lane, href: `${lane}?attempt=${log.attempt}${at}` };
}

function wordsOf(firstLine: number | undefined, lastLine: number | undefined): string {
  if (firstLine === undefined || lastLine === undefined) return '';
  return firstLine === lastLine ? `line ${lastLine}` : `lines ${firstLine}–${lastLine}`;
}

async function toTalkComment(page: Page, said: Said): Promise<TalkComment> {
  const { comment } = said;
  const isOwn = page.caller.account?.id === comment.accountId && page.mayReply;
  const isDeleted = comment.deletedAt !== undefined;
  const published = comment.publishedAt === undefined ? 'draft' : 'published';
  return {
    id: comment.id,
    author: { name: comment.authorName, kind: comment.authorKind },
    parts: isDeleted ? [] : await toParts(page, said),
    source: isOwn && !isDeleted ? comment.body : undefined,
    at: comment.publishedAt ?? comment.createdAt,
    isEdited: comment.editedAt !== undefined,
    state: isDeleted ? 'deleted' : published,
    mayDelete: !isDeleted && (isOwn || (page.mayMaintain && page.mayReply)),
  };
}

interface Said {
  comment: Comment;
  thread: Thread;
  /** Its lines are as they were, and the reader may change them. */
  takes: boolean;
}

async function toParts(page: Page, { comment, thread, takes }: Said): Promise<TalkPart[]> {
  const parts: TalkPart[] = [];
  // What is suggested for something else than lines of the new file is code like any other.
  const isOfLines = thread.kind === 'line' && thread.side === 'new';
  if (!isOfLines) return [{ kind: 'text', html: await toHtml(page, comment.body) }];
  let number = 0;
  for (const part of partsOf(comment.body)) {
    if (part.kind === 'text') parts.push({ kind: 'text', html: await toHtml(page, part.text) });
    else {
      number += 1;
      const choice = `${comment.id}.${number}.${digestOf(part.lines)}`;
      const mayApply = takes && comment.publishedAt !== undefined;
      parts.push({
        kind: 'suggestion',
        ...suggestionRows(thread, part.lines),
        choice: mayApply ? choice : undefined,
      });
    }
  }
  return parts;
}

function suggestionRows(
  { context, firstLine = 0, lastLine = 0 }: Thread,
  lines: readonly string[],
): { rows: { kind: 'removed' | 'added'; text: string }[]; left: number } {
  const removed = context.filter(({ number }) => number >= firstLine && number <= lastLine);
  return {
    rows: [
      ...removed.map(({ text }) => ({ kind: 'removed' as const, text: visible(text) })),
      ...lines.map((text) => ({ kind: 'added' as const, text: visible(text) })),
    ],
    left: lastLine - firstLine + 1 - removed.length,
  };
}

async function toTalkReview(page: Page, review: Review): Promise<TalkReview> {
  return {
    id: review.id,
    author: { name: review.authorName, kind: review.authorKind },
    verdict: review.verdict,
    note: noteOf(review),
    html: review.body === '' ? '' : await toHtml(page, review.body),
    revision: review.revision,
    headOid: review.headOid,
    at: review.createdAt,
  };
}

/** One text after the other: those of one page must not take the render threads from all others. */
async function toHtml({ forge, repo, branch, until }: Page, body: string): Promise<string> {
  const text = withoutTurns(body);
  const files = `/${repo.owner}/${repo.name}/blob/${branch.headOid}/`;
  const names = mentionedIn(forge, repo, text).map(({ name }) => name);
  const key = createHash('sha256')
    .update(JSON.stringify([files, names, text]))
    .digest('base64');
  const known = rendered.find(key);
  if (known !== undefined) return known;
  if (performance.now() > until) return plainDocument(text);
  const html = await renderMarkdown(text, { folder: files, root: files }, names);
  rendered.keep(key, html, 2 * html.length + 200);
  return html;
}

/** Characters that turn the direction or cannot be seen are shown, but those that join emoji are left. */
const withoutTurns = (text: string): string =>
  visible(text.replaceAll('\r\n', '\n')).replaceAll('⟨U+200D⟩', '\u200D');
