// How many branches can be merged in a minute, and how long the server takes for the page of a branch.
import { makePh } from '../support/ph.ts';
import { manifestOf, pushBranch, pushProject } from '../support/sample-project.ts';
import { disposeServed, startForge } from '../support/serve.ts';
import { inMs, median, timed, timedEach, type Figure } from './measure.ts';

const merges = 15;
const pageLoads = 40;

export async function measureMergesAndPages(): Promise<Figure[]> {
  const served = await startForge();
  try {
    const ada = await served.person('ada', 'admin');
    const ph = await makePh(served, ada);
    const headers = {
      authorization: `Bearer ${await served.token('ada')}`,
      'content-type': 'application/json',
      accept: 'text/html',
    };
    const lines = Array.from({ length: 200 }, (_unused, line) => `export const value${line} = ${line};\n`);
    const files = {
      '.pika/lanes.toml': manifestOf([{ id: 'unit', command: 'true' }]),
      'values.ts': lines.join(''),
    };
    await pushProject(served, { client: ada, repo: 'demo/app', files });
    const heads: string[] = [];
    for (let turn = 0; turn < merges; turn += 1) {
      const changed = lines.with(turn * 10, `export const value = 'changed in turn ${turn}';\n`).join('');
      const branch = { name: `topic-${turn}`, message: `Change ${turn}`, files: { 'values.ts': changed } };
      heads.push((await pushBranch(ada, branch)).head);
      if ((await ph('wait')).status !== 0) throw new Error('A branch of the benchmark is not green.');
    }

    const pages: [string, string][] = [
      ['tutorial', 'tutorial'],
      ['changes', 'changes'],
      ['ci', 'CI'],
    ];
    const figures: Figure[] = [];
    for (const [tab, name] of pages) {
      const load = async (): Promise<void> => {
        const page = await fetch(`${served.http}/demo/app/branches/1?tab=${tab}`, { headers });
        await page.text();
        if (page.status !== 200) throw new Error(`The page of a branch answers ${page.status}.`);
      };
      await load();
      const how = `${pageLoads} requests, whole page, one after the other`;
      figures.push({
        what: `branch page, ${name}`,
        value: inMs(median(await timedEach(pageLoads, load))),
        how,
      });
    }

    const total = await timed(async () => {
      for (const [index, head] of heads.entries()) {
        const url = `${served.http}/api/v1/repos/demo/app/branches/${index + 1}/merge`;
        const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ head }) });
        if (answer.status !== 200) throw new Error(`A merge was refused: ${await answer.text()}`);
      }
    });
    const rate = Math.round((merges / total) * 60_000);
    const how = `${merges} merges of one repository by API, one after the other`;
    return [...figures, { what: 'merges per minute', value: String(rate), how }];
  } finally {
    await disposeServed(served);
  }
}
