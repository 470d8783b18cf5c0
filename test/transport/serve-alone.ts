// A forge with its SSH server and nothing else, in a process that a test kills. Prints the SSH process's id.
import { decidePush } from '../../src/branches/policy.ts';
import { readConfig } from '../../src/forge/config.ts';
import { openForge } from '../../src/forge/open.ts';
import { openTransport } from '../../src/transport/open.ts';

const settings = { ssh: { port: 0 }, logLevel: 'silent' };
const forge = openForge(readConfig(process.argv[2] ?? '', settings));
const transport = await openTransport(forge, {
  pushes: { decide: decidePush, ingest: () => Promise.resolve([]) },
  shells: {
    open: () => Promise.reject(new Error('there are no lanes')),
    farewell: () => undefined,
    end: () => undefined,
  },
});
console.log(transport.sshProcessId());
