// `pika-git serve` as a program: what it prints, and how it ends.
import { resolve } from 'node:path';
import { readConfig, type SettingsOverride } from '../forge/config.ts';
import { pushLines, serve, type Served } from './serve.ts';

interface Options {
  data: string;
  json?: boolean;
  http?: SettingsOverride;
  ssh?: SettingsOverride;
  welcome: boolean;
}

// A part that does not stop must not keep the operator waiting; what it leaves is recovered at the next start.
const stopMs = 20_000;

/** Serves until SIGTERM or SIGINT and answers the exit status; a second signal ends it at once. */
export async function runServe(options: Options): Promise<number> {
  const overrides: SettingsOverride = {};
  if (options.http !== undefined) overrides['http'] = options.http;
  if (options.ssh !== undefined) overrides['ssh'] = options.ssh;
  const config = readConfig(resolve(options.data), overrides);
  const served = await serve(config, { welcome: options.welcome });
  // Before the ready line: whoever waits for it may end the forge at once.
  const ended = signalled();
  if (options.json === true) {
    const { http, ssh, adminLink } = served;
    process.stdout.write(
      `${JSON.stringify({ event: 'ready', http, ssh, ...(adminLink && { adminLink }) })}\n`,
    );
  } else process.stdout.write(describe(served));
  await ended;
  const timer = setTimeout(() => process.exit(1), stopMs);
  await served.stop();
  clearTimeout(timer);
  return 0;
}

function signalled(): Promise<void> {
  const { promise, resolve: end } = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      process.once(signal, () => process.exit(1));
      end();
    });
  }
  return promise;
}

function describe(served: Served): string {
  const lines = ['', `  pika-git serves ${served.http} and ssh://${served.ssh}`, ''];
  if (served.adminLink !== undefined) {
    lines.push(
      '  Nobody can sign in yet. Open this link once to become its admin:',
      '',
      `    ${served.adminLink}`,
      '',
    );
    lines.push('  Then add your SSH key on your account page, and push a repository:', '');
  } else lines.push('  Push a repository:', '');
  lines.push(...pushLines(served).map((line) => `    ${line}`), '');
  if (served.unsandboxed) {
    lines.push('  Warning: no sandbox works here, so lanes run with the rights of this program.');
    lines.push('  Install bubblewrap, and run only code that you trust until then.', '');
  }
  lines.push('  Ctrl-C stops it.', '');
  return lines.join('\n');
}
