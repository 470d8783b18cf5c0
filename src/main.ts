// The pika-git command.
import { enableCompileCache } from 'node:module';

enableCompileCache();
const { runOperator } = await import('./operator/cli.ts');
// A start that failed half-way leaves sockets open; the status is the end of it all the same.
process.exit(await runOperator(process.argv.slice(2)));
