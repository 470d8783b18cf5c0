import { askRenderThread, type LinkBase } from './render-pool.ts';

const maxLength = 200_000;
const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/**
 * Markdown as HTML without any tag of the author's: tags in the text are escaped, links are http, https or mailto,
 * images become their text. Links within the repository follow `base`, names in `mentions` stand out behind an @. What is
 * too long or too slow to render comes back as escaped plain text.
 */
export const renderMarkdown = async (
  text: string,
  base?: LinkBase,
  mentions?: readonly string[],
): Promise<string> => (await tryMarkdown(text, base, mentions)) ?? plainDocument(text);

/** As `renderMarkdown`, but undefined when the text is too long, or no thread had the time. */
export async function tryMarkdown(
  text: string,
  base: LinkBase | undefined,
  mentions: readonly string[] = [],
): Promise<string | undefined> {
  if (text.length > maxLength) return undefined;
  const rendered = await askRenderThread({ kind: 'markdown', text, base, mentions });
  return typeof rendered === 'string' ? rendered : undefined;
}

/** The text as it is, escaped. */
export const plainDocument = (text: string): string =>
  `<pre tabindex="0">${text.slice(0, maxLength).replace(/[&<>"]/g, (character) => escapes[character] ?? '')}</pre>`;
