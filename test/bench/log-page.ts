// The page of a lane whose log has 400 MB: how soon it stands, and how soon any part of it is found.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { foldsName } from '../../src/ci/logs/log-folds.ts';
import { LogFile } from '../../src/ci/logs/log-file.ts';
import { Db } from '../../src/db/open.ts';
import { launchBrowser } from '../support/browser.ts';
import { makePh } from '../support/ph.ts';
import { manifestOf, pushBranch, pushProject } from '../support/sample-project.ts';
import { disposeServed, startForge, type ServedForge } from '../support/serve.ts';
import { inMs, median, quantile, timedEach, type Figure } from './measure.ts';

const logBytes = 400 * 1024 * 1024;
const lanePath = '/demo/app/runs/1/lanes/unit';

export async function measureLogPage(): Promise<Figure[]> {
  const served = await startForge();
  try {
    const lines = await makeLog(served);
    const how = (durations: readonly number[], what: string) =>
      `${lines.toLocaleString('en')} lines, ${what}; p95 ${inMs(quantile(durations, 0.95))}`;
    const ask = async (path: string) => {
      const answer = await fetch(served.http + lanePath + path, { headers: { accept: 'text/html' } });
      if (!answer.ok) throw new Error(`${path} answers ${answer.status}: ${await answer.text()}`);
      await answer.text();
    };
    const page = await timedEach(20, () => ask(''));
    const part = await timedEach(40, (turn) =>
      ask(`/log?attempt=1&from=${1 + turn * Math.floor(lines / 40)}`),
    );
    const search = await timedEach(5, (turn) => ask(`/search?attempt=1&q=no+such+word+${turn}`));
    const error = await timedEach(5, () => ask('/first-error?attempt=1'));
    const figures = [
      { what: 'lane page with a log of 400 MB', value: inMs(median(page)), how: how(page, '20 requests') },
      { what: '500 lines anywhere in it', value: inMs(median(part)), how: how(part, '40 places') },
      {
        what: 'search through all of it',
        value: inMs(median(search)),
        how: how(search, '5 words without a hit'),
      },
      {
        what: 'its first error, at its end, with the page that shows it',
        value: inMs(median(error)),
        how: how(error, '5 requests'),
      },
    ];
    return existsSync('/usr/bin/chromium') ? [...figures, await measureOpening(served)] : figures;
  } finally {
    await disposeServed(served);
  }
}

/** One lane that ran, whose log is then written anew as a lane would have written it. Answers its lines. */
async function makeLog(served: ServedForge): Promise<number> {
  const ada = await served.person('ada', 'admin');
  const ph = await makePh(served, ada);
  await served.operate('repo', 'create', 'demo/app', '--public');
  const files = { '.pika/lanes.toml': manifestOf([{ id: 'unit', command: 'echo first; exit 1' }]) };
  await pushProject(served, { client: ada, repo: 'demo/app', files });
  await pushBranch(ada, { name: 'work', message: 'Work', files: { 'a.txt': 'a' } });
  await ph('wait');
  const db = new Db(join(served.data, 'forge.db'));
  const { id, token } = db.get<{ id: number; token: number }>('SELECT id, token FROM lane_attempts') ?? {
    id: 0,
    token: 0,
  };
  db.close();
  const folder = join(served.data, 'lanes', String(id), String(token));
  const log = new LogFile(folder, 2 * logBytes);
  let lines = 0;
  for (let group = 0; log.bytes < logBytes; group += 1) {
    const rows = Array.from({ length: 10_000 }, (_, row) => {
      const name = `test number ${group}.${row} does what its name says it does`;
      return `  \u001B[32m✓\u001B[39m ${name} \u001B[2m(${row % 97} ms)\u001B[22m`;
    });
    log.write(Buffer.from(`::group::part ${group}\n${rows.join('\n')}\n::endgroup::\n`));
    lines += rows.length + 2;
  }
  log.write(Buffer.from('TypeError: it was too much\n'));
  log.close();
  if (readFileSync(join(folder, foldsName)).length === 0) throw new Error('The log has no folds.');
  return lines + 1;
}

async function measureOpening(served: ServedForge): Promise<Figure> {
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    const durations = await timedEach(7, async () => {
      await page.goto('about:blank');
      await page.goto(served.http + lanePath, { waitUntil: 'commit' });
      await page.getByText('TypeError: it was too much').waitFor();
    });
    const how = `7 times, until its last line is seen; p95 ${inMs(quantile(durations, 0.95))}`;
    return { what: 'the same page opened in Chromium', value: inMs(median(durations)), how };
  } finally {
    await browser.close();
  }
}
