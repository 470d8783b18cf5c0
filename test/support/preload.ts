// Loaded by Node before the program of a forge that a test starts; its threads, and programs it starts, stay as they are.
import { isMainThread } from 'node:worker_threads';

if (isMainThread && process.argv.includes('serve')) {
  delete process.env['NODE_OPTIONS'];
  await import('./check-answers.ts');
}
