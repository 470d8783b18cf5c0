// The tree of files beside a difference, as HTML. Written here and not in a template, because a tree of thousands of files
// takes a template a tenth of a second. Every text in it is escaped.
import { escape } from './code-rows.ts';

interface TreeFile {
  name: string;
  anchor: string;
  letter: string;
  statusClass: string;
  plus: number;
  minus: number;
  title: string;
}

interface TreeFolder {
  name: string;
  files: readonly TreeFile[];
}

interface Mark {
  /** Undefined for whoever keeps no marks. */
  isViewed: boolean | undefined;
  /** Open ones. */
  threads: number;
}

type RowHtml = (file: TreeFile) => string;

export interface TreeParts {
  /** Stands beside the code. */
  first: string;
  /** Stands behind the code, so that nobody waits for it; the script of the page brings it over when it is wanted. */
  rest: string;
  /** The files of the rest. */
  left: number;
}

// More than the tallest window shows. The rest is brought over in pieces of as many, each in a frame of its own.
const rowsAtOnce = 100;

/** `assets` is where the icons are. */
export function treeParts(
  folders: readonly TreeFolder[],
  marks: Readonly<Record<string, Mark>> | undefined,
  assets: string,
): TreeParts {
  const rowOf: RowHtml = (file) => rowHtml(file, marks?.[file.anchor], assets);
  const entryOf = (folder: TreeFolder, isContinued: boolean): string =>
    entryHtml(folder, { rowOf, assets, isContinued });
  const first: string[] = [];
  const rest: string[] = [];
  let [shown, left] = [0, 0];
  for (const { name, files } of folders) {
    const fits = Math.max(0, rowsAtOnce - shown);
    const [head, tail] = [files.slice(0, fits), files.slice(fits)];
    if (head.length > 0) first.push(entryOf({ name, files: head }, false));
    if (tail.length > 0) rest.push(entryOf({ name, files: tail }, head.length > 0));
    shown += head.length;
    left += tail.length;
  }
  return { first: first.join('\n'), rest: rest.join('\n'), left };
}

/** A folder with its files; those of the uppermost one stand by themselves. One that is continued began before. */
function entryHtml(
  { name, files }: TreeFolder,
  { rowOf, assets, isContinued }: { rowOf: RowHtml; assets: string; isContinued: boolean },
): string {
  if (name === '') return files.map((file) => `<li>${rowOf(file)}</li>`).join('\n');
  const continued = isContinued ? ' data-continued' : '';
  const label = `<span class="name" title="${escape(name)}">${escape(name)}</span>`;
  const lists: string[] = [];
  for (let at = 0; at < files.length; at += rowsAtOnce) {
    const rows = files.slice(at, at + rowsAtOnce).map((file) => `<li>${rowOf(file)}</li>`);
    lists.push(`<ul>${rows.join('\n')}</ul>`);
  }
  return `<li${continued}><span class="tree-row folder">${iconHtml('folder', '', assets)}${label}</span>${lists.join('')}</li>`;
}

function rowHtml(file: TreeFile, mark: Mark | undefined, assets: string): string {
  const { anchor, statusClass, letter, name } = file;
  const viewed = mark?.isViewed === true ? ' viewed' : '';
  const status = `<span class="file-status ${escape(statusClass)}">${escape(letter)}</span>`;
  const marked = mark === undefined ? '' : talkHtml(mark, assets) + viewedHtml(mark, assets);
  return `<a class="tree-row${viewed}" href="#${escape(anchor)}">${status}<span class="name">${escape(name)}</span>${barHtml(file)}${marked}</a>`;
}

const barHtml = ({ title, plus, minus }: TreeFile): string =>
  `<svg class="size-svg" role="img" aria-label="${escape(title)}" viewBox="0 0 28 4"><title>${escape(title)}</title><rect class="plus" width="${plus}" height="4"/><rect class="minus" x="${plus}" width="${minus}" height="4"/></svg>`;

const iconHtml = (name: string, size: string, assets: string): string =>
  `<svg class="icon${size}" aria-hidden="true"><use href="${escape(assets)}/icons.svg#i-${name}"/></svg>`;

const talkHtml = ({ threads }: Mark, assets: string): string =>
  threads === 0
    ? ''
    : `<span class="tree-talk">${iconHtml('comment', ' small', assets)}<span>${threads}<span class="visually-hidden"> open ${threads === 1 ? 'thread' : 'threads'}</span></span></span>`;

/** A file that is not viewed has a ring; the script of the page puts the icon in when it becomes so. */
function viewedHtml({ isViewed }: Mark, assets: string): string {
  if (isViewed === undefined) return '';
  if (!isViewed) return '<span class="viewed-mark not" data-viewed-mark></span>';
  const icon = iconHtml('success', ' small', assets);
  return `<span class="viewed-mark" data-viewed-mark>${icon}<span class="visually-hidden">viewed</span></span>`;
}
