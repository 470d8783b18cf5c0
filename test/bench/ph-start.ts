// How long ph takes to start: as the one file that a forge gives, and from the package, each with and without a forge to
// ask. What Node alone takes stands beside it.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../support/run-program.ts';
import { disposeServed, startForge } from '../support/serve.ts';
import { inMs, median, quantile, timedEach, type Figure } from './measure.ts';

const turns = 30;
const launcher = fileURLToPath(new URL('../../src/ph/ph', import.meta.url));

export async function measurePhStart(): Promise<Figure[]> {
  const served = await startForge();
  try {
    const ada = await served.person('ada');
    const program = join(ada.home, 'ph');
    writeFileSync(program, await (await fetch(`${served.http}/ph/ph`)).text());
    chmodSync(program, 0o755);
    const env = { ...ada.env, PH_URL: served.http, PH_TOKEN: await served.token('ada') };
    const measure = async (
      what: string,
      argv: string[],
      more: Record<string, string> = {},
    ): Promise<Figure> => {
      const run = async (): Promise<void> => {
        const { status, stderr } = await runProgram(argv, { cwd: ada.checkout, env: { ...env, ...more } });
        if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}: ${stderr}`);
      };
      // The first one fills the cache of compiled code.
      await run();
      const times = await timedEach(turns, run);
      const how = `${turns} starts, one after the other; p95 ${inMs(quantile(times, 0.95))}`;
      return { what, value: inMs(median(times)), how };
    };
    return [
      await measure('Node that does nothing', ['node', '-e', '0']),
      await measure('ph --help, one file', [program, '--help']),
      await measure('ph --help, one file, nothing cached', [program, '--help'], {
        NODE_DISABLE_COMPILE_CACHE: '1',
      }),
      await measure('ph whoami, one file', [program, 'whoami']),
      await measure('ph --help, package', ['sh', launcher, '--help']),
      await measure('ph whoami, package', ['sh', launcher, 'whoami']),
    ];
  } finally {
    await disposeServed(served);
  }
}
