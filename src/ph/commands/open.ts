// Opens the branch page in the browser of the person; where there is none, the address is all there is.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { cleanLine, printJson, stderr, stdout } from '../output.ts';
import { findBranch, findPlace, type PlaceOptions } from '../place.ts';

export async function open(
  given: string | undefined,
  options: PlaceOptions & { json?: boolean },
): Promise<ExitStatus> {
  const { view } = await findBranch(await findPlace(options), given);
  const isOpen = await openInBrowser(view.url);
  if (options.json) printJson({ url: view.url, opened: isOpen });
  else stdout.line(cleanLine(view.url));
  if (!isOpen && !options.json) stderr.line('No browser could be started here; open the address yourself.');
  return exitStatus.done;
}

const browserMs = 3000;

/** False when no program for it is here, or it says that it could not. BROWSER names another program. */
async function openInBrowser(url: string): Promise<boolean> {
  const program = process.env['BROWSER'] || (process.platform === 'darwin' ? 'open' : 'xdg-open');
  const child = spawn(program, [url], { stdio: 'ignore', detached: true });
  try {
    const [code] = (await once(child, 'exit', { signal: AbortSignal.timeout(browserMs) })) as [number | null];
    return code === 0;
  } catch (error) {
    // A browser that was named itself stays as long as its window.
    child.unref();
    return (error as Error).name === 'AbortError';
  }
}
