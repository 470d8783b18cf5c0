import { runProgram } from './run-program.ts';

/** Why the client of Git LFS cannot be used here; undefined when it can. */
export async function whyNoLfsClient(): Promise<string | undefined> {
  const env = { PATH: process.env['PATH'] ?? '' };
  const said = await runProgram(['git-lfs', 'version'], { cwd: '/', env }).catch(() => undefined);
  return said?.stdout ? undefined : 'its client is not installed (Debian package git-lfs)';
}
