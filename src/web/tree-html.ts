// The files of one folder in the tree beside a difference, as HTML. Written here and not in a template, because a tree of
// thousands of files takes a template a tenth of a second. Every text in it is escaped.
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

interface Mark {
  /** Undefined for whoever keeps no marks. */
  isViewed: boolean | undefined;
  /** Open ones. */
  threads: number;
}

/** `assets` is where the icons are. */
export const treeRows = (
  files: readonly TreeFile[],
  marks: Readonly<Record<string, Mark>> | undefined,
  assets: string,
): string => files.map((file) => `<li>${rowHtml(file, marks?.[file.anchor], assets)}</li>`).join('\n');

function rowHtml(file: TreeFile, mark: Mark | undefined, assets: string): string {
  const { anchor, statusClass, letter, name } = file;
  const viewed = mark?.isViewed === true ? ' viewed' : '';
  const status = `<span class="file-status ${escape(statusClass)}">${escape(letter)}</span>`;
  const marked = mark === undefined ? '' : talkHtml(mark, assets) + viewedHtml(mark, assets);
  return `<a class="tree-row${viewed}" href="#${escape(anchor)}">${status}<span class="name">${escape(name)}</span>${barHtml(file)}${marked}</a>`;
}

const barHtml = ({ title, plus, minus }: TreeFile): string =>
  `<svg class="size-svg" role="img" aria-label="${escape(title)}" viewBox="0 0 28 4"><title>${escape(title)}</title><rect class="plus" width="${plus}" height="4"/><rect class="minus" x="${plus}" width="${minus}" height="4"/></svg>`;

const iconHtml = (name: string, assets: string): string =>
  `<svg class="icon small" aria-hidden="true"><use href="${escape(assets)}/icons.svg#i-${name}"/></svg>`;

const talkHtml = ({ threads }: Mark, assets: string): string =>
  threads === 0
    ? ''
    : `<span class="tree-talk">${iconHtml('comment', assets)}<span>${threads}<span class="visually-hidden"> open ${threads === 1 ? 'thread' : 'threads'}</span></span></span>`;

const viewedHtml = ({ isViewed }: Mark, assets: string): string =>
  isViewed === undefined
    ? ''
    : `<span class="viewed-mark${isViewed ? '' : ' not'}" data-viewed-mark>${iconHtml('success', assets)}<span class="visually-hidden">viewed</span></span>`;
