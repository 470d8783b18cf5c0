// The pika-git command.
import { enableCompileCache } from 'node:module';

enableCompileCache();
const { runOperator } = await import('./operator/cli.ts');
process.exitCode = await runOperator(process.argv.slice(2));
