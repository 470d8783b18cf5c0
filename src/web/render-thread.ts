// What a render thread does: Markdown to HTML, code to colours. Each half is loaded when it is first asked for, because
// the first reader after a start waits for it.
import type { LineColours } from './line-colours.ts';
import type { RenderOrder } from './render-pool.ts';

/** Undefined when there are no colours. */
export default async function answer(order: RenderOrder): Promise<string | LineColours | undefined> {
  if (order.kind === 'markdown') return (await import('./markdown-text.ts')).markdownHtml(order);
  return (await import('./colour-text.ts')).colourText(order.text, order.language);
}
