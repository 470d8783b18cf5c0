// The files that a lane left, as people find them on its page.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findFaults } from '../support/axe.ts';
import { useBrowser } from '../support/browser.ts';
import { pushBranch, pushProject } from '../support/sample-project.ts';
import { useSharedForge } from '../support/serve.ts';

const openShared = useSharedForge();
const browser = useBrowser();
const lane = '/ada/app/runs/1/lanes/report';

const command = `mkdir -p out/html; printf '<script>document.title = "run"</script>' > out/html/index.html
for i in $(seq 10 40); do echo "$i" > "out/a-file-with-a-rather-long-name-that-does-not-fit-on-a-small-screen-$i.txt"; done; exit 1`;

test(
  'artifacts of a failed lane are listed on its page and downloaded from it',
  { timeout: 240_000 },
  async () => {
    const served = await openShared();
    const ada = await served.person('ada', 'admin');
    await served.operate('repo', 'create', 'ada/app', '--public');
    const files = {
      '.pika/lanes.toml': `[[lane]]\nid = "report"\ncommand = '''${command}'''\nartifacts = ["out"]\n`,
    };
    await pushProject(served, { client: ada, repo: 'ada/app', files });
    await pushBranch(ada, { name: 'work', message: 'Change it', files: { 'a.txt': 'a' } });
    const state = async () => {
      const answer = await fetch(`${served.http}/api/v1/repos/ada/app/runs/1`);
      return answer.ok ? ((await answer.json()) as { state: string }).state : 'not there yet';
    };
    await expect.poll(state, { timeout: 120_000, interval: 500 }).toBe('failed');

    const page = await (await browser()).newPage({ viewport: { width: 360, height: 900 } });
    await page.goto(served.http + lane);
    const panel = page.getByRole('region', { name: 'Artifacts' });
    await expect.poll(() => panel.textContent()).toContain('32 files');
    expect(await panel.getByRole('link').filter({ visible: true }).count()).toBe(20);
    await panel.getByText('12 more').click();
    expect(await panel.getByRole('link').filter({ visible: true }).count()).toBe(32);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(await findFaults(page)).toEqual([]);

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      panel.getByRole('link', { name: 'out/html/index.html' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('index.html');
    expect(readFileSync(await download.path(), 'utf8')).toContain('document.title');
    expect(await page.title()).not.toBe('run');
    await page.close();
  },
);
