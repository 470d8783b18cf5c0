import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Fault {
  id: string;
  nodes: { target: unknown; failureSummary?: string }[];
}

/** What axe-core holds against the page that is open: one line a rule, with the first place it fails in. */
export async function findFaults(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  const script = 'axe.run(document, { resultTypes: ["violations"] }).then((result) => result.violations)';
  const faults: Fault[] = await page.evaluate(script);
  return faults.map(
    ({ id, nodes }) => `${id}: ${JSON.stringify(nodes[0]?.target)} ${nodes[0]?.failureSummary ?? ''}`,
  );
}
