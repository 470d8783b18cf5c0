// Markdown to HTML, as a render thread makes it. A pure function of its input.
import markdownIt from 'markdown-it';
import { full as emoji } from 'markdown-it-emoji';
import type { LinkBase, MarkdownOrder } from './render-pool.ts';

const markdown = markdownIt({ html: false, linkify: true, typographer: false });
// `:tada:`, but no smiley: `:)` and `8)` are code as often as not.
markdown.use(emoji, { shortcuts: {} });
markdown.renderer.rules['emoji'] = (tokens, index) => {
  const token = tokens[index];
  // Within a word it is no emoji, as in `a:b:c`.
  const isWithin =
    /\w$/.test(tokens[index - 1]?.content ?? '') || /^\w/.test(tokens[index + 1]?.content ?? '');
  return isWithin ? `:${markdown.utils.escapeHtml(token?.markup ?? '')}:` : (token?.content ?? '');
};
// Images would tell another server who reads the page; the link remains.
markdown.disable('image');
const renderLink =
  markdown.renderer.rules['link_open'] ??
  ((tokens, index, options, _environment, self) => self.renderToken(tokens, index, options));
markdown.renderer.rules['link_open'] = (tokens, index, options, environment, self) => {
  const token = tokens[index];
  token?.attrSet('rel', 'nofollow noopener noreferrer');
  const { base } = environment as { base?: LinkBase };
  if (base !== undefined) token?.attrSet('href', placedLink(String(token.attrGet('href') ?? ''), base));
  return renderLink(tokens, index, options, environment, self);
};

// Code and tables are as wide as they are; whoever has no mouse scrolls them with the keys.
markdown.renderer.rules['table_open'] = () => '<table tabindex="0">\n';
for (const rule of ['fence', 'code_block'] as const) {
  const renderCode = markdown.renderer.rules[rule];
  markdown.renderer.rules[rule] = (...given) =>
    (renderCode?.(...given) ?? '').replace(/^<pre/, '<pre tabindex="0"');
}

// Whoever is named in a text stands out in it. What is code or the text of a link is left alone.
const named = /@([a-z0-9](?:[a-z0-9-]{0,37}[a-z0-9])?)(?![\w-])/gi;
markdown.core.ruler.push('mentions', ({ tokens, env, Token }) => {
  const { mentions = [] } = env as { mentions?: readonly string[] };
  if (mentions.length === 0) return;
  const names = new Set(mentions.map((name) => name.toLowerCase()));
  for (const { children } of tokens) {
    if (children === null) continue;
    let links = 0;
    const marked = children.flatMap((child) => {
      if (child.type === 'link_open') links += 1;
      if (child.type === 'link_close') links -= 1;
      if (child.type !== 'text' || links > 0) return [child];
      return cutAtNames(child.content, names).map(({ text, isName }) =>
        Object.assign(new Token(isName ? 'mention' : 'text', '', 0), { content: text }),
      );
    });
    children.splice(0, children.length, ...marked);
  }
});
markdown.renderer.rules['mention'] = (tokens, index) =>
  `<strong class="mention">${markdown.utils.escapeHtml(tokens[index]?.content ?? '')}</strong>`;

function cutAtNames(text: string, names: ReadonlySet<string>): { text: string; isName: boolean }[] {
  const pieces: { text: string; isName: boolean }[] = [];
  let end = 0;
  for (const match of text.matchAll(named)) {
    const isInside = match.index > 0 && /[\w@./-]/.test(text.charAt(match.index - 1));
    if (isInside || !names.has((match[1] ?? '').toLowerCase())) continue;
    pieces.push({ text: text.slice(end, match.index), isName: false }, { text: match[0], isName: true });
    end = match.index + match[0].length;
  }
  return [...pieces, { text: text.slice(end), isName: false }].filter((piece) => piece.text !== '');
}

/** Keeps the names of headings apart from those of the page around the document. */
const headingPrefix = 'text-';

/** A heading as links to it are written: `Set-up on Debian` is `#set-up-on-debian`. */
const slugOf = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

// Links of a document lead to its headings, and a second one of the same words is counted. Comments have no names: many are on a page.
markdown.core.ruler.push('headings', ({ tokens, env }) => {
  const { base } = env as { base?: LinkBase };
  if (base === undefined) return;
  const counts = new Map<string, number>();
  for (const [index, token] of tokens.entries()) {
    if (token.type !== 'heading_open') continue;
    const words = (tokens[index + 1]?.children ?? []).map(({ type, content }) =>
      type === 'text' || type === 'code_inline' ? content : '',
    );
    const slug = slugOf(words.join(''));
    const count = counts.get(slug) ?? 0;
    counts.set(slug, count + 1);
    if (slug !== '') token.attrSet('id', `${headingPrefix}${slug}${count === 0 ? '' : `-${count}`}`);
  }
});

// The page and the step around it have the first two levels of headings.
for (const rule of ['heading_open', 'heading_close'] as const) {
  markdown.renderer.rules[rule] = (tokens, index, options, _environment, self) => {
    const token = tokens[index];
    if (token !== undefined) token.tag = `h${Math.min(6, Number(token.tag.slice(1)) + 2)}`;
    return self.renderToken(tokens, index, options);
  };
}

export const markdownHtml = ({ text, base, mentions }: MarkdownOrder): string =>
  markdown.render(text, { base, mentions });

/** `docs/a.md` beside the text, `/docs/a.md` from the top of the repository; what names a site stays. */
function placedLink(href: string, base: LinkBase): string {
  if (href.startsWith('#')) return placedHash(href);
  if (href === '' || href.startsWith('//') || URL.canParse(href)) return href;
  const origin = 'http://repository';
  const from = href.startsWith('/') ? base.root : base.folder;
  const address = `${origin}${from}${href.replace(/^\/+/, '')}`;
  if (!URL.canParse(address)) return href;
  const { pathname, search, hash } = new URL(address);
  if (!pathname.startsWith(base.root)) return base.root.replace(/\/$/, '');
  return pathname + search + (/\.(?:md|markdown)$/i.test(pathname) ? placedHash(hash) : hash);
}

/** `#l10` may be a heading; `#L10` and `#L10-L20` are lines. */
const placedHash = (hash: string): string =>
  hash.length < 2 || /^#L\d+(?:-L\d+)?$/.test(hash) ? hash : `#${headingPrefix}${hash.slice(1)}`;
