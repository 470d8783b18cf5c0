// ph, the companion of a pika-git forge. This is its boundary: whatever a command throws becomes one
// sentence on standard error and one exit status.
import { enableCompileCache } from 'node:module';

enableCompileCache?.();

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader went away, e.g. `ph logs | head`.
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
  throw error;
});

// Read after the cache is on. No `await` here: ph as one file is a plain script.
void import('./program.ts').then(async ({ runProgram }) => {
  process.exitCode = await runProgram(process.argv);
});
