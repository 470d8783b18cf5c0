// A status badge as SVG. Text is stretched to the width it was measured for, so that it fits whatever font a reader has.
import { attemptStates, type AttemptState } from '../model.ts';

export type BadgeState = AttemptState | 'unknown';

const words: Record<BadgeState, string> = {
  queued: 'queued',
  running: 'running',
  cancelling: 'running',
  success: 'passing',
  failed: 'failing',
  cancelled: 'cancelled',
  skipped: 'skipped',
  unknown: 'unknown',
};

// White text on each of them has a contrast of more than 4.5 to 1.
const colours: Record<BadgeState, string> = {
  queued: '#59636e',
  running: '#9a6700',
  cancelling: '#9a6700',
  success: '#1a7f37',
  failed: '#cf222e',
  cancelled: '#59636e',
  skipped: '#59636e',
  unknown: '#59636e',
};

export const badgeStateOf = (state: string | undefined): BadgeState =>
  attemptStates.find((known) => known === state) ?? 'unknown';

/** `label` on the left may be anything; it is cut to what fits into a line of badges. */
export function badgeSvg(label: string, state: BadgeState): string {
  const left = cut(label);
  const right = words[state];
  const [leftWidth, rightWidth] = [widthOf(left), widthOf(right)];
  const width = leftWidth + rightWidth + 4 * padding;
  const middle = leftWidth + 2 * padding;
  const title = `${escapeXml(left)}: ${right}`;
  const text = (x: number, length: number, content: string) =>
    `<text x="${x}" y="14" textLength="${length}" lengthAdjust="spacingAndGlyphs">${escapeXml(content)}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="20" role="img" aria-label="${title}">`,
    `<title>${title}</title>`,
    `<clipPath id="r"><rect width="${width}" height="20" rx="3"/></clipPath>`,
    `<g clip-path="url(#r)"><rect width="${middle}" height="20" fill="#3d444d"/>`,
    `<rect x="${middle}" width="${width - middle}" height="20" fill="${colours[state]}"/></g>`,
    `<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">`,
    text(padding, leftWidth, left),
    text(middle + padding, rightWidth, right),
    `</g></svg>\n`,
  ].join('');
}

const padding = 6;
const maxLabelCharacters = 40;

function cut(label: string): string {
  const characters = Array.from(label.replaceAll(/\p{C}/gu, ''));
  return characters.length <= maxLabelCharacters
    ? characters.join('')
    : `${characters.slice(0, maxLabelCharacters - 1).join('')}…`;
}

// About the widths of Verdana at 11 px.
function widthOf(text: string): number {
  const widths = Array.from(text).map((character) =>
    /[ijlftr.,:;|!'()[\] /-]/.test(character) ? 4.2 : /[mwMW@%…]/.test(character) ? 10.2 : 7,
  );
  return Math.round(widths.reduce((sum, width) => sum + width, 0));
}

const escapeXml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
