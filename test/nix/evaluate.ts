// Nix as a person at a NixOS machine would ask it, without nixpkgs: module-system.nix stands in for what is used of it.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runProgram, type ProgramResult } from '../support/run-program.ts';

const top = fileURLToPath(new URL('../..', import.meta.url));
const program = (process.env['PATH'] ?? '')
  .split(':')
  .map((folder) => `${folder}/nix-instantiate`)
  .find((path) => existsSync(path));

/** Why nothing can be evaluated here, for a skipped test. */
export const whyNoNix =
  program === undefined
    ? 'nix-instantiate is not installed; on Debian: sudo apt-get install nix-bin'
    : undefined;

const nix = (...args: string[]): Promise<ProgramResult> =>
  runProgram(['nix-instantiate', ...args], {
    cwd: top,
    // Nothing is built, so no store is needed.
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', NIX_REMOTE: 'dummy://' },
  });

export const parseNix = (file: string): Promise<ProgramResult> => nix('--parse', file);

/** The value of an expression in which the names of module-system.nix are known; throws with what Nix says. */
export async function evaluate(expression: string): Promise<unknown> {
  const whole = `with import ./test/nix/module-system.nix; ${expression}`;
  const { status, stdout, stderr } = await nix('--eval', '--strict', '--json', '-E', whole);
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}
