// The house stays as it is drawn in the README. Each rule also meets a planted fault, so that a rule that
// sees nothing is found out.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { longFunctions } from './architecture/function-sizes.ts';
import {
  companionReach,
  foreignPrivates,
  importCycles,
  impureModels,
  laneThreadReach,
  strayDependencies,
  webOutsideRoutes,
  wrongDirections,
} from './architecture/import-rules.ts';
import { readSources, top, type Source } from './architecture/sources.ts';
import {
  environmentReaders,
  lockedAddresses,
  longFiles,
  poorNames,
  straySpawns,
  stringsAsCode,
  unescapedTemplates,
  untidyTop,
  wideSiblings,
} from './architecture/text-rules.ts';

const sources = readSources(
  ['src', 'test', 'templates', 'hooks', 'nix'],
  ['.ts', '.njk', '.css', '.js', '.nix', 'receive'],
);

type Rule = (sources: readonly Source[]) => string[];

/** A rule holds for the project, and answers exactly one problem for each planted fault. */
function hold(title: string, rule: Rule, faults: readonly (readonly Source[])[]): void {
  describe(title, () => {
    test('holds', () => expect(rule(sources)).toEqual([]));
    test.each(faults.map((fault) => ({ fault, name: fault.map(({ path }) => path).join(', ') })))(
      'sees a fault planted in $name',
      ({ fault }) => expect(rule(fault)).toHaveLength(1),
    );
  });
}

const file = (path: string, text: string): Source => ({ path, text });

hold('imports go down only', wrongDirections, [
  [file('src/repos/find.ts', "import { claim } from '../ci/claim.ts';\n")],
  [file('src/lib/slot.ts', "import type { Forge } from '../forge/open.ts';\n")],
  [file('src/transport/http.ts', "export { decide } from '../branches/policy.ts';\n")],
  [file('src/ph/client.ts', "const ci = await import('../ci/claim.ts');\n")],
  [file('src/ci/claim.ts', "import {\n  serve,\n  stop,\n} from '../server.ts';\n")],
  [file('src/nowhere/thing.ts', "import { x } from '../lib/errors.ts';\n")],
]);

hold("a domain's store, api and pages are its own", foreignPrivates, [
  [file('src/landing/merge.ts', "import { updateBranch } from '../branches/store.ts';\n")],
  [file('src/front/home.ts', "import { ciPages } from '../ci/pages.ts';\n")],
  [file('src/server.ts', "import { insertRun } from './ci/store.ts';\n")],
]);

hold('only the routes of a domain use web', webOutsideRoutes, [
  [file('src/ci/claim.ts', "import { render } from '../web/render.ts';\n")],
]);

hold('models are pure', impureModels, [
  [file('src/ci/model.ts', "import { Db } from '../db/open.ts';\n")],
  [file('src/ci/model.ts', "import { readFileSync } from 'node:fs';\n")],
]);

hold('no files import each other in a ring', importCycles, [
  [
    file('src/ci/a.ts', "import { b } from './b.ts';\n"),
    file('src/ci/b.ts', "import { c } from './c.ts';\n"),
    file('src/ci/c.ts', "import { a } from './a.ts';\n"),
  ],
]);

hold('a lane thread reaches neither the database nor the forge', laneThreadReach, [
  [
    file('src/ci/lanes/lane-thread.ts', "import { run } from './command.ts';\n"),
    file(
      'src/ci/lanes/command.ts',
      "import type { Db } from '../../db/open.ts';\nimport { readConfig } from '../../forge/config.ts';\n",
    ),
  ],
]);

hold('ph reaches no part of a server', companionReach, [
  [
    file('src/ph/commands/run.ts', "import { select } from '../../ci/manifest/selection.ts';\n"),
    file('src/ci/manifest/selection.ts', "import { readMemoryBytes } from '../../git/run.ts';\n"),
  ],
]);

hold('a sharp dependency has one home', strayDependencies, [
  [file('src/ci/store.ts', "import Database from 'better-sqlite3';\n")],
  [file('src/accounts/key.ts', "import ssh from 'ssh2/lib/keys.js';\n")],
]);

hold('no file has more than 400 lines', longFiles, [[file('src/ci/claim.ts', 'x;\n'.repeat(401))]]);

hold('files are named after what is in them', poorNames, [
  [file('src/ci/utils.ts', '')],
  [file('src/ci/claimLane.ts', '')],
]);

hold('the environment is read in one place', environmentReaders, [
  [file('src/ci/sandbox.ts', "const path = process.env['PATH'];\n")],
]);

hold('git is started in one place', straySpawns, [
  [file('src/landing/merge.ts', "spawn('git', ['merge-tree']);\n")],
  [file('src/repos/create-repo.ts', "await execFile(\n  'git', ['init']);\n")],
]);

hold('templates escape what they print', unescapedTemplates, [
  [file('templates/front/home.njk', '{{ body | safe }}\n')],
  [file('templates/layout.njk', '{% autoescape false %}\n')],
]);

hold('client code comes from files', stringsAsCode, [
  [file('templates/assets/live.js', 'new Function(text)();\n')],
]);

hold('no style makes Chromium look through a page whenever an element comes into it', wideSiblings, [
  [file('templates/assets/css/review.css', '.prose p + p {\n  margin: 0;\n}\n')],
  [file('templates/assets/css/lists.css', '/* a + b */\n.box,\n.list > li:hover ~ .note {\n}\n')],
]);

describe('no function has more than 60 lines', () => {
  test('holds', async () => {
    expect(await longFunctions([join(top, 'src'), join(top, 'templates/assets')])).toEqual([]);
  });

  test('sees a planted one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pika-sizes-'));
    try {
      writeFileSync(join(folder, 'short.ts'), `export function short() {\n${'  tick();\n'.repeat(58)}}\n`);
      expect(await longFunctions([folder])).toEqual([]);
      writeFileSync(join(folder, 'long.ts'), `export const long = () => {\n${'  tick();\n'.repeat(59)}};\n`);
      expect(await longFunctions([folder])).toEqual([expect.stringContaining('long.ts')]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the top of the project is exact', () => {
  test('holds', () => expect(untidyTop(readdirSync(top))).toEqual([]));
  test('sees what is too much and what is missing', () => {
    const names = readdirSync(top).filter((name) => name !== 'nix');
    expect(untidyTop([...names, 'notes.txt'])).toEqual([
      'notes.txt does not belong at the top',
      'nix is missing at the top',
    ]);
  });
});

describe('the lock file names no registry', () => {
  const path = 'package-lock.json';
  test('holds', () => {
    expect(lockedAddresses(file(path, readFileSync(join(top, path), 'utf8')))).toEqual([]);
  });
  test('sees an address', () => {
    expect(lockedAddresses(file(path, '{ "resolved": "https://example.org/x.tgz" }'))).toHaveLength(1);
  });
});
