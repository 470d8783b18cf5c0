// The content of a file as HTML: Markdown rendered, code in colours. Made once for each content and kept.
import { folderOf, nameOf, rootPath, showPath, type GitPath } from '../git/git-path.ts';
import { Recent } from '../lib/recent.ts';
import { codeRows, type CodeRows } from '../web/code-rows.ts';
import { highlightFile, languageOf } from '../web/highlight.ts';
import { renderMarkdown } from '../web/markdown.ts';
import type { Place } from './place.ts';

const maxKeptBytes = 32 * 1024 * 1024;
// By object ids alone: one table serves every forge of the program.
const documents = new Recent<string>(maxKeptBytes);
const sources = new Recent<CodeRows>(maxKeptBytes);

export const isMarkdown = (path: GitPath): boolean => /\.(?:md|markdown)$/i.test(path);

/** Markdown as HTML whose relative links lead to files at the same place. */
export async function documentHtml(
  place: Place,
  file: { path: GitPath; oid: string; text: string },
): Promise<string> {
  const root = `${place.url('blob', rootPath)}/`;
  const folder = folderOf(file.path);
  const base = { root, folder: folder === rootPath ? root : `${place.url('blob', folder)}/` };
  const key = `${file.oid} ${base.folder}`;
  const known = documents.find(key);
  if (known !== undefined) return known;
  const html = await renderMarkdown(file.text, base);
  documents.keep(key, html, 2 * html.length);
  return html;
}

/** The lines of a file with their colours. */
export async function sourceRows(file: { path: GitPath; oid: string; text: string }): Promise<CodeRows> {
  const name = showPath(nameOf(file.path));
  const key = `${file.oid} ${languageOf(name) ?? ''}`;
  const known = sources.find(key);
  if (known !== undefined) return known;
  const colours = await highlightFile({ oid: file.oid, path: name, text: file.text });
  const rows = codeRows(file.text, colours);
  sources.keep(key, rows, 2 * rows.html.length);
  return rows;
}
