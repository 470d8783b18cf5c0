// What a render thread does: Markdown to HTML, code to coloured segments. Pure functions of their input.
import hljs from 'highlight.js';
import markdownIt from 'markdown-it';
import type { RenderOrder, Segment } from './render-pool.ts';

const markdown = markdownIt({ html: false, linkify: true, typographer: false });
// Images would tell another server who reads the page; the link remains.
markdown.disable('image');
const renderLink =
  markdown.renderer.rules['link_open'] ??
  ((tokens, index, options, _environment, self) => self.renderToken(tokens, index, options));
markdown.renderer.rules['link_open'] = (tokens, index, options, environment, self) => {
  tokens[index]?.attrSet('rel', 'nofollow noopener noreferrer');
  return renderLink(tokens, index, options, environment, self);
};

// The page and the step around it have the first two levels of headings.
for (const rule of ['heading_open', 'heading_close'] as const) {
  markdown.renderer.rules[rule] = (tokens, index, options, _environment, self) => {
    const token = tokens[index];
    if (token !== undefined) token.tag = `h${Math.min(6, Number(token.tag.slice(1)) + 2)}`;
    return self.renderToken(tokens, index, options);
  };
}

export default function answer(order: RenderOrder): string | Segment[][] {
  return order.kind === 'markdown' ? markdown.render(order.text) : highlight(order.text, order.language);
}

function highlight(code: string, language: string): Segment[][] {
  if (hljs.getLanguage(language) === undefined) return [];
  return toLines(hljs.highlight(code, { language, ignoreIllegals: true }).value);
}

const entities: Record<string, string> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#x27;': "'",
};

/** The library's spans as segments, line by line; a span over several lines goes on in each of them. */
function toLines(html: string): Segment[][] {
  const lines: Segment[][] = [[]];
  const open: string[] = [];
  for (const [part] of html.matchAll(/<span class="[^"]*">|<\/span>|[^<]+/g)) {
    if (part === '</span>') open.pop();
    else if (part.startsWith('<span')) open.push(part.slice(13, -2));
    else
      addText(
        lines,
        part.replace(/&(?:amp|lt|gt|quot|#x27);/g, (entity) => entities[entity] ?? ''),
        open.at(-1) ?? '',
      );
  }
  return lines;
}

function addText(lines: Segment[][], text: string, className: string): void {
  const [first = '', ...rest] = text.split('\n');
  if (first !== '') lines.at(-1)?.push([className, first]);
  for (const line of rest) lines.push(line === '' ? [] : [[className, line]]);
}
