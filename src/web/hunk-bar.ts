// The line above a hunk as HTML: where the hunk is, and the way to what is left out before it.
import { escape } from './code-rows.ts';
import { plural } from './filters.ts';

/** As repos/diff-gaps.ts finds it. */
export interface ShownGap {
  from: number;
  to: number | undefined;
  offset: number;
  lines: number | undefined;
}

interface Bar {
  gap: ShownGap | undefined;
  /** Undefined behind the last hunk. */
  hunk: { oldStart: number; newStart: number; section: string } | undefined;
}

/** Where a file is, and where the icons are. */
export interface Around {
  href: string | undefined;
  assets: string;
}

// A gap of no more lines than this is shown at once.
const shortGap = 20;

export function hunkBar({ gap, hunk }: Bar, { href, assets }: Around): string {
  const ways = gap === undefined || href === undefined ? '' : expanders(gap, href, assets);
  const at =
    hunk === undefined
      ? ''
      : `<span class="hunk-at">@@ −${hunk.oldStart} +${hunk.newStart}</span><span class="truncate">${escape(hunk.section)}</span>`;
  return `<div class="hunk-bar">${ways}${at}</div>`;
}

/** Links to the lines of a gap in the whole file; the script of the page shows them in their place instead. */
export function expanders(gap: ShownGap, fileHref: string, assets: string): string {
  const { from, to, lines } = gap;
  const href = escape(fileHref);
  const icon = (name: string, more = ''): string =>
    `<svg class="icon small${more}" aria-hidden="true"><use href="${escape(assets)}/icons.svg#i-${name}"/></svg>`;
  const way = (part: string, place: string, says: { attributes: string; text: string }): string =>
    `<a class="expand" data-part="${part}" href="${href}#${place}" ${says.attributes}>${says.text}</a>`;
  const range = to === undefined ? `L${from}` : `L${from}-L${to}`;
  const words = lines === undefined ? 'To the end' : plural(lines, 'line');
  const ways =
    lines !== undefined && lines <= shortGap
      ? [way('all', range, { attributes: `title="Show the ${words} between"`, text: icon('plus') + words })]
      : [
          way('down', `L${from}`, {
            attributes: `title="Show 20 more lines below what stands above" aria-label="20 more lines downwards"`,
            text: `${icon('down')}20`,
          }),
          to === undefined
            ? ''
            : way('up', `L${to}`, {
                attributes: `title="Show 20 more lines above this hunk" aria-label="20 more lines upwards"`,
                text: `${icon('down', ' upwards')}20`,
              }),
          way('all', range, { attributes: `title="Show every line left out here"`, text: words }),
        ];
  const asked = `${href}?context=${from}-${to ?? ''}&amp;offset=${gap.offset}`;
  return `<span class="expanders" data-gap="${asked}">${ways.join('')}</span>`;
}
