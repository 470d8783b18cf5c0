import { askRenderThread, type LinkBase } from './render-pool.ts';

const maxLength = 200_000;
const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/**
 * Markdown as HTML without any tag of the author's: tags in the text are escaped, links are http, https or mailto,
 * images become their text. Links within the repository follow `base`. What is too long or too slow to render comes
 * back as escaped plain text.
 */
export async function renderMarkdown(text: string, base?: LinkBase): Promise<string> {
  const rendered =
    text.length > maxLength ? undefined : await askRenderThread({ kind: 'markdown', text, base });
  if (typeof rendered === 'string') return rendered;
  return `<pre>${text.slice(0, maxLength).replace(/[&<>"]/g, (character) => escapes[character] ?? '')}</pre>`;
}
