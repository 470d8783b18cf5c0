// A small pool of threads for what costs processor time, so that a big file or a hostile text never holds up the
// pages of others. What takes too long is given up; the caller shows the plain text.
import { setTimeout as delay } from 'node:timers/promises';
import { Piscina } from 'piscina';
import type { LineColours } from './line-colours.ts';

/** Where the links of a text lead that name neither a site nor the top of one; both end with a slash. */
export interface LinkBase {
  /** The address of what lies beside the text. */
  folder: string;
  /** The address of what `/` means in the text; no link without a site leaves it. */
  root: string;
}

export interface MarkdownOrder {
  kind: 'markdown';
  text: string;
  base: LinkBase | undefined;
  mentions?: readonly string[];
}

export type RenderOrder = MarkdownOrder | { kind: 'highlight'; text: string; language: string };

const orderMs = 3000;
let pool: Piscina | undefined;

/** The answer of a render thread, or undefined when it took too long or failed. */
export async function askRenderThread(order: RenderOrder): Promise<string | LineColours | undefined> {
  pool ??= new Piscina({
    filename: new URL('./render-thread.ts', import.meta.url).href,
    minThreads: 0,
    maxThreads: 2,
    idleTimeout: 300_000,
    maxQueue: 200,
  });
  try {
    return (await pool.run(order, { signal: AbortSignal.timeout(orderMs) })) as
      | string
      | LineColours
      | undefined;
  } catch {
    return undefined;
  }
}

/** The threads there are, and the orders that wait for one. */
export const renderLoad = (): { threads: number; waiting: number } => ({
  threads: pool?.threads.length ?? 0,
  waiting: pool?.queueSize ?? 0,
});

/**
 * Resolves when a page waits for colours no longer: after so many milliseconds, and at once while no thread runs, for to
 * start one takes longer than that.
 */
export const patienceOf = (ms: number): Promise<'late'> =>
  renderLoad().threads === 0 ? Promise.resolve('late') : delay(ms, 'late', { ref: false });

/** Ends the threads; the next order starts them anew. */
export async function closeRenderPool(): Promise<void> {
  const closing = pool;
  pool = undefined;
  await closing?.destroy();
}
