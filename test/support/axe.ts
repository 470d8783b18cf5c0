import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Fault {
  id: string;
  nodes: { target: unknown; failureSummary?: string }[];
}

/** What depends on colours and on the width of the window; the other rules ask about the markup alone. */
export const rulesOfLook = ['color-contrast', 'link-in-text-block', 'scrollable-region-focusable'];

const settle = `Promise.allSettled(
  document.getAnimations().filter((each) => each instanceof CSSTransition).map(({ finished }) => finished),
).then(() => undefined)`;

/**
 * What axe-core holds against the page that is open: one line a rule, with the first place it fails in. All rules, unless
 * some are named.
 */
export async function findFaults(page: Page, rules?: readonly string[]): Promise<string[]> {
  // A page that is looked at twice keeps it; reading it takes as long as a small page.
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(axeSource);
  // Colours that are on their way from one theme to the other are not what a reader sees.
  await page.evaluate(settle);
  const options = { resultTypes: ['violations'], ...(rules === undefined ? {} : { runOnly: rules }) };
  const script = `axe.run(document, ${JSON.stringify(options)}).then((result) => result.violations)`;
  const faults: Fault[] = await page.evaluate(script);
  return faults.map(
    ({ id, nodes }) => `${id}: ${JSON.stringify(nodes[0]?.target)} ${nodes[0]?.failureSummary ?? ''}`,
  );
}
