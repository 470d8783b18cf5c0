// Finds long functions with the linter, which knows where a function begins and ends.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const run = promisify(execFile);
const configuration = fileURLToPath(new URL('function-sizes.json', import.meta.url));
const report = z.object({
  diagnostics: z.array(z.object({ message: z.string(), filename: z.string() })),
  number_of_files: z.number(),
});

/** Functions of more than 60 lines below the folders (absolute paths). */
export async function longFunctions(folders: readonly string[]): Promise<string[]> {
  const args = ['--config', configuration, '--format', 'json', ...folders];
  // The linter ends with 1 when it found something; then its report is on the error.
  const { stdout } = await run('oxlint', args).catch((error: { stdout: string }) => error);
  const { diagnostics, number_of_files } = report.parse(JSON.parse(stdout));
  if (number_of_files === 0) throw new Error(`The linter found no files in ${folders.join(', ')}.`);
  return diagnostics.map(({ filename, message }) => `${filename}: ${message}`);
}
