// What every command of ph says, in a pipe and at a terminal, kept in test/ph/snapshots. A command that stands in no line
// here fails.
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { afterAll, expect, test, vi } from 'vitest';
import { createProgram } from '../../src/ph/program.ts';
import { disposeServed } from '../support/serve.ts';
import { modes, openSnapshotWorld, type SnapshotWorld } from './snapshot-world.ts';

// Some two hundred programs, one after the other, on a machine that runs all the other tests too.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

/** Lines that change nothing, and so may run at the same time. */
const reading = [
  'ph whoami',
  'ph status',
  'ph status red',
  'ph status nowhere',
  'ph wait',
  'ph wait red',
  'ph logs --failed red',
  'ph url',
  'BROWSER=echo ph open',
  'ph list',
  'ph run --list',
  'ph recover-run green',
  'ph fail-lane green --lane unit',
  'ph requeue-lane green --lane unit',
  'ph cancel green',
  'ph merge red --head red',
  'ph conflicts fight',
  'ph diff',
  'ph tutorial red',
  'ph comment',
  'ph token list',
  'ph queue',
  'ph inbox',
  'ph key list',
  'ph secret list',
  'ph webhook list',
  'ph mirror list',
  'ph repo list',
  'ph repo upstream',
  'ph repo import ext::sh ever',
  'ph ci',
  'ph clear-target nowhere',
  'ph help stauts',
  'ph skill',
  'ph help landing | head -3',
  'ph completions bash | head -3',
  'ph mcp < /dev/null',
  'ph stauts',
  'ph --version',
];

/** Lines that change something, or of which one may be at a time: in this order, in one mode and then in the other. */
const changing = [
  'ph run unit',
  "echo 'echo here; exit 3' | ph shell red --lane unit",
  'ph login $URL --token-file ~/token-MODE',
  'ph logout $URL',
  'ph checkout next && git switch --quiet green',
  'ph merge merge-MODE --head merge-MODE',
  'ph status merge-MODE',
  'ph revert merge-MODE',
  'ph restore merge-MODE',
  'ph queue --pause "$EVIL"',
  'ph land land-MODE --head land-MODE --no-wait | cut -d: -f1',
  'until ph queue | grep -q "is paused by"; do :; done; ph queue',
  'ph queue --resume > /dev/null',
  'ph wait land-MODE --for landed 2> /dev/null',
  'ph hold next --reason "not before noon"',
  'ph status next',
  'ph unhold next',
  'ph draft next',
  'ph ready next',
  'ph comment next --at next.txt:1 --message "Why $EVIL?"',
  'ph comment next',
  'ph review next',
  'ph review next --comment --message "$EVIL" --head next',
  'ph retarget nowhere next',
  'ph close fight',
  'ph reopen fight',
  'ph rerun green',
  'ph wait green 2> /dev/null',
  'ph key add ~/spare-MODE.pub --label "$EVIL"',
  'ph key list',
  'ph key remove "$(ssh-keygen -lf ~/spare-MODE.pub | cut -d" " -f2)"',
  'ph token create --label for-MODE',
  'ph token revoke "$(ph token list --json | grep -oE "[0-9]+,.label.:.for-MODE" | cut -d, -f1)"',
  'ph webhook add http://receiver.invalid/MODE --events landing --secret-file ~/token-MODE',
  'ph webhook set "$(ph webhook list | cut -d" " -f1)" --off',
  'ph webhook deliveries "$(ph webhook list | cut -d" " -f1)"',
  'ph webhook ping "$(ph webhook list | cut -d" " -f1)"',
  'ph webhook redeliver "$(ph webhook list | cut -d" " -f1)" 999',
  'ph webhook remove "$(ph webhook list | cut -d" " -f1)"',
  'ph mirror add far-MODE git@mirror.invalid:MODE.git --off',
  'ph mirror set far-MODE --refs refs/heads/main',
  'ph mirror status far-MODE --all',
  'ph mirror sync far-MODE',
  'ph mirror overwrite far-MODE main',
  'ph mirror remove far-MODE',
  'ph secret set TOKEN_MODE < ~/token-MODE',
  'ph secret list',
  'ph secret remove TOKEN_MODE',
  'ph repo create site-MODE --description "$EVIL"',
  'ph repo rename old-MODE --repo ada/site-MODE',
  'ph repo set --repo ada/old-MODE --method squash',
  'ph wake-ci',
  'ph pause-ci --reason "$EVIL"',
  'ph resume-ci',
];

let world: SnapshotWorld | undefined;
afterAll(async () => {
  if (world !== undefined) await disposeServed(world.served);
});

const words = (line: string): string => /\bph ((?:[a-z][a-z-]*\b ?)*)/.exec(line)?.[1]?.trim() ?? '';
const place = (name: string): string => fileURLToPath(new URL(`snapshots/${name}.txt`, import.meta.url));

/** `secret set`, for every command that does something. */
const namesOf = (command: Command, path: string[] = []): string[] =>
  command.commands.length === 0
    ? [path.join(' ')]
    : command.commands.flatMap((child) => namesOf(child, [...path, child.name()]));
const program = createProgram(() => undefined);
const commands = namesOf(program);

/** `ph secret set NAME` → `secret-set`. */
function nameOf(line: string): string {
  const said = words(line);
  const command = commands.find((name) => said === name || said.startsWith(`${name} `));
  return command?.replaceAll(' ', '-') ?? 'ph';
}

test('every command stands in a line', () => {
  const told = new Set([...reading, ...changing].map((line) => nameOf(line)));
  expect(commands.filter((name) => !told.has(name.replaceAll(' ', '-')))).toEqual([]);
});

test('the help of every command', async () => {
  const texts: string[] = [];
  const visit = (command: Command): void => {
    command.configureOutput({ writeOut: (text) => void texts.push(text) });
    command.configureHelp({ ...command.configureHelp(), helpWidth: 80 });
    command.outputHelp();
    command.commands.forEach(visit);
  };
  visit(program);
  await expect(texts.join(`\n${'─'.repeat(80)}\n`)).toMatchFileSnapshot(place('every-help'));
});

test('every command, in a pipe and at a terminal', async () => {
  const opened = await openSnapshotWorld();
  world = opened;
  const said = new Map<string, string[]>();
  const note = (line: string, mode: string, text: string): void => {
    const name = nameOf(line);
    said.set(name, [...(said.get(name) ?? []), `── ${mode} ──\n${text}`]);
  };
  // A few at once, while each of them waits for the forge.
  for (let from = 0; from < reading.length; from += 3) {
    const asked = reading.slice(from, from + 3).flatMap((line) => modes.map((mode) => ({ line, mode })));
    const answers = await Promise.all(asked.map(({ line, mode }) => opened.ask(line, mode)));
    asked.forEach(({ line, mode }, index) => note(line, mode, answers[index] ?? ''));
  }
  for (const mode of modes) {
    for (const line of changing) note(line, mode, await opened.ask(line, mode));
  }
  for (const [name, texts] of said) await expect.soft(texts.join('\n')).toMatchFileSnapshot(place(name));
});
