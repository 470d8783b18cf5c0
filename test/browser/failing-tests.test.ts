// Real projects with their real test runners, run by real lanes: what failed, and on which line, stands on the page
// before the log, and `ph` says the same.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { exitStatus } from '../../src/lib/statuses.ts';
import { findFaults } from '../support/axe.ts';
import { useBrowser } from '../support/browser.ts';
import type { GitClient } from '../support/git-client.ts';
import { makePh } from '../support/ph.ts';
import { pushBranch, pushProject } from '../support/sample-project.ts';
import { useServedForge, type ServedForge } from '../support/serve.ts';
import { signIn } from '../support/sign-in.ts';

const startForge = useServedForge();
const browser = useBrowser();

/** The packages of this checkout, which a sandboxed lane would not see. */
const packages = fileURLToPath(new URL('../../node_modules', import.meta.url));
const settings = '[ci]\nsandbox = "none"\n';

interface Project {
  manifest: string;
  files: Record<string, string>;
  /** What the branch changes, so that a test fails. */
  broken: Record<string, string>;
}

const lane = (command: string, report: string) =>
  `version = 1\n\n[[lane]]\nid = "unit"\ntitle = "Unit tests"\ncommand = ${JSON.stringify(command)}\nreports = ["${report}"]\n`;

const typescript: Project = {
  manifest: lane(
    `ln -s ${packages} node_modules\n${process.execPath} node_modules/vitest/vitest.mjs run --reporter=default --reporter=junit --outputFile.junit=out/junit.xml`,
    'out/*.xml',
  ),
  files: {
    'package.json': '{ "type": "module" }\n',
    'src/cart.ts':
      'export function total(prices: number[]): number {\n  return prices.reduce((sum, price) => sum + price, 0);\n}\n',
    'test/cart.test.ts': `import { describe, expect, test } from 'vitest';
import { total } from '../src/cart.ts';

describe('a cart', () => {
  test('adds up its prices', () => {
    expect(total([1, 2])).toBe(3);
  });

  test('is <b>free</b> when it is empty', () => {
    expect(total([])).toBe(0);
  });
});
`,
  },
  broken: {
    'src/cart.ts':
      'export function total(prices: number[]): number {\n  return prices.reduce((sum, price) => sum + price, 1);\n}\n',
  },
};

const python: Project = {
  manifest: lane(
    `${existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3'} run_tests.py`,
    'junit.xml',
  ),
  files: {
    'cart.py': 'def total(prices):\n    return sum(prices)\n',
    'tests/__init__.py': '',
    'tests/test_cart.py': `import unittest

from cart import total


class CartTest(unittest.TestCase):
    def test_adds_up(self):
        self.assertEqual(total([1, 2]), 3)

    def test_takes_a_list(self):
        self.assertEqual(total([1, 1]), 2)
`,
    // unittest writes no reports by itself; this is what packages for it do.
    'run_tests.py': `import sys
import unittest
import xml.etree.ElementTree as tree


class Result(unittest.TextTestResult):
    def startTestRun(self):
        self.root = tree.Element("testsuite", name="unittest")

    def case(self, test):
        name = test.id().rpartition(".")
        return tree.SubElement(self.root, "testcase", classname=name[0], name=name[2])

    def addSuccess(self, test):
        super().addSuccess(test)
        self.case(test)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        failure = tree.SubElement(self.case(test), "failure", message=str(error[1]))
        failure.text = self.failures[-1][1]


suite = unittest.defaultTestLoader.discover("tests", top_level_dir=".")
result = unittest.TextTestRunner(resultclass=Result, verbosity=2).run(suite)
tree.ElementTree(result.root).write("junit.xml")
sys.exit(not result.wasSuccessful())
`,
  },
  broken: { 'cart.py': 'def total(prices):\n    return sum(prices) + 1\n' },
};

/** Pushes the project, breaks it on a branch, and waits for the verdict. */
async function pushBroken(served: ServedForge, client: GitClient, project: Project) {
  const ph = await makePh(served, client);
  const files = {
    ...project.files,
    '.pika/lanes.toml': project.manifest,
    '.gitignore': 'node_modules\nout\n',
  };
  await pushProject(served, { client, repo: 'ada/shop', files });
  await pushBranch(client, { name: 'cheaper', message: 'Sell cheaper', files: project.broken });
  // A loaded machine takes its time; one question must not take longer than a program of a test may.
  const waited = () => ph('wait', '--timeout', '10');
  let answer = await waited();
  while (answer.status === exitStatus.timedOut) answer = await waited();
  return { ph, waited: answer };
}

interface Failure {
  title: string;
  place: string;
  line: number;
  says: string;
}

async function expectInSight(page: Page, failure: Failure): Promise<void> {
  const heading = page.getByRole('heading', { name: failure.title });
  await heading.waitFor();
  const link = page.getByRole('link', { name: failure.place, exact: true }).first();
  expect(await link.textContent()).toBe(failure.place);
  expect(await page.evaluate('scrollY')).toBe(0);
  const height = page.viewportSize()?.height ?? 0;
  for (const shown of [heading, link]) {
    const box = await shown.boundingBox();
    expect((box?.y ?? Infinity) + (box?.height ?? 0)).toBeLessThan(height);
  }
  const output = page.getByLabel(`Output of ${failure.title}`);
  expect(await output.textContent()).toContain(failure.says);
  const log = page.locator('.log').first();
  if ((await log.count()) > 0) {
    const [outputBox, logBox] = [await output.boundingBox(), await log.boundingBox()];
    expect(outputBox?.y ?? Infinity).toBeLessThan(logBox?.y ?? 0);
  }
}

async function seeFailure(served: ServedForge, client: GitClient, failure: Failure): Promise<void> {
  const page = await (await browser()).newPage({ reducedMotion: 'reduce' });
  page.setDefaultTimeout(120_000);
  await page.setViewportSize({ width: 1280, height: 800 });
  await signIn(page, served, client);
  for (const path of ['/ada/shop/runs/1', '/ada/shop/runs/1/lanes/unit']) {
    await page.goto(served.http + path);
    await expectInSight(page, failure);
    expect(await findFaults(page), path).toEqual([]);
  }
  await page.setViewportSize({ width: 360, height: 780 });
  await page.reload();
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
  await page.getByRole('link', { name: failure.place, exact: true }).first().click();
  await page.waitForURL(new RegExp(`/blob/[0-9a-f]{40}/${failure.place.split(':')[0]}#L${failure.line}$`));
  expect(await page.locator(`#L${failure.line}`).count()).toBe(1);
  await page.goto(`${served.http}/ada/shop/runs/1/lanes/unit`);
  await page.getByRole('link', { name: 'History of this test' }).first().click();
  await page.getByRole('heading', { name: 'Results' }).waitFor();
  expect(await findFaults(page)).toEqual([]);
  await page.close();
}

test(
  'the failing test of a TypeScript project, and its line, is seen before the log',
  { timeout: 300_000 },
  async () => {
    const served = await startForge({ settings });
    const ada = await served.person('ada', 'admin');
    const { ph, waited } = await pushBroken(served, ada, typescript);
    expect(waited.status).toBe(1);
    expect(waited.stdout).toContain('a cart > is <b>free</b> when it is empty');
    expect(waited.stdout).toContain('test/cart.test.ts:10');
    const logs = await ph('logs', '--failed');
    expect(logs.stdout).toMatch(/2 of 2 tests failed[^]*test\/cart\.test\.ts:6[^]*expected 4 to be 3/);
    for (const command of [['wait'], ['logs', '--failed']]) {
      const { stdout } = await ph(...command, '--json');
      expect(stdout, command.join(' ')).toMatch(
        /"failures":\[\{[^}]*"file":"test\/cart\.test\.ts","line":6,/,
      );
    }
    await seeFailure(served, ada, {
      title: 'a cart > adds up its prices',
      place: 'test/cart.test.ts:6',
      line: 6,
      says: 'expected 4 to be 3',
    });
  },
);

test(
  'the failing test of a Python project, and its line, is seen before the log',
  { timeout: 300_000 },
  async ({ skip }) => {
    skip(!existsSync('/usr/bin/python3'), 'there is no /usr/bin/python3');
    const served = await startForge({ settings });
    const ada = await served.person('ada', 'admin');
    const { waited } = await pushBroken(served, ada, python);
    expect(waited.stdout).toContain('tests/test_cart.py:8');
    await seeFailure(served, ada, {
      title: 'test_adds_up',
      place: 'tests/test_cart.py:8',
      line: 8,
      says: 'AssertionError: 4 != 3',
    });
  },
);
