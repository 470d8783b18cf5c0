// The content of a file as HTML: Markdown rendered, code in colours. Made once for each content and kept.
import { setTimeout as delay } from 'node:timers/promises';
import { folderOf, nameOf, rootPath, showPath, type GitPath } from '../git/git-path.ts';
import { Recent } from '../lib/recent.ts';
import { codeRows, type CodeRows } from '../web/code-rows.ts';
import { hasColours, highlightFile, languageOf } from '../web/highlight.ts';
import { plainDocument, tryMarkdown } from '../web/markdown.ts';
import type { LinkBase } from '../web/render-pool.ts';
import type { Place } from './place.ts';

const maxKeptBytes = 32 * 1024 * 1024;
// By object ids alone: one table serves every forge of the program.
const documents = new Recent<string>(maxKeptBytes);
const sources = new Recent<CodeRows>(maxKeptBytes);

export interface SourceRows extends CodeRows {
  isWaiting: boolean;
  isFinal: boolean;
}

// Whoever asks for colours that are being made waits for the same ones.
const inMaking = new Map<string, ReturnType<typeof highlightFile>>();

export const isMarkdown = (path: GitPath): boolean => /\.(?:md|markdown)$/i.test(path);

export interface Document {
  html: string;
  /** False when there was no time to render it: the next reader may get more than the plain text. */
  isFinal: boolean;
}

/** Markdown as HTML whose relative links lead to files at the same place. */
export function documentAt(
  place: Place,
  file: { path: GitPath; oid: string; text: string },
): Promise<Document> {
  const root = `${place.url('blob', rootPath)}/`;
  const folder = folderOf(file.path);
  const base = { root, folder: folder === rootPath ? root : `${place.url('blob', folder)}/` };
  return documentHtml(base, file);
}

export async function documentHtml(base: LinkBase, file: { oid: string; text: string }): Promise<Document> {
  const key = `${file.oid} ${base.folder}`;
  const known = documents.find(key);
  if (known !== undefined) return { html: known, isFinal: true };
  const html = await tryMarkdown(file.text, base);
  if (html === undefined) return { html: plainDocument(file.text), isFinal: false };
  documents.keep(key, html, 2 * html.length);
  return { html, isFinal: true };
}

/**
 * The lines of a file with their colours. When those take longer than `patienceMs`, the lines come without, and
 * `isWaiting` says that they are being made; whoever asks again gets them. `isFinal` is false then, and when the
 * colours could not be made in time at all.
 */
export async function sourceRows(
  file: { path: GitPath; oid: string; text: string },
  patienceMs?: number,
): Promise<SourceRows> {
  const name = showPath(nameOf(file.path));
  const key = `${file.oid} ${languageOf(name) ?? ''}`;
  const known = sources.find(key);
  if (known !== undefined) return { ...known, isWaiting: false, isFinal: true };
  const making = inMaking.get(key) ?? highlightFile({ oid: file.oid, path: name, text: file.text });
  inMaking.set(key, making);
  void making.finally(() => inMaking.delete(key));
  const colours = await (patienceMs === undefined ? making : within(making, patienceMs));
  if (colours === 'late') return { ...codeRows(file.text, undefined), isWaiting: true, isFinal: false };
  const rows = codeRows(file.text, colours);
  const isFinal = colours !== undefined || !hasColours(name, file.text);
  if (isFinal) sources.keep(key, rows, 2 * rows.html.length);
  return { ...rows, isWaiting: false, isFinal };
}

async function within<Value>(making: Promise<Value>, ms: number): Promise<Value | 'late'> {
  const end = new AbortController();
  try {
    return await Promise.race([making, delay(ms, 'late' as const, { signal: end.signal, ref: false })]);
  } finally {
    end.abort();
  }
}
