// The entry of the SSH process. Encryption and the start of git stay out of the process that serves pages; it
// ends when the forge does, however that ends.
import { Git } from '../git/run.ts';
import { errorMessage } from '../lib/errors.ts';
import { Line } from './ask.ts';
import { downward, type StartOrder, type Upward } from './model.ts';
import { openSshServer, type SshServer } from './ssh-server.ts';

const lastWordsMs = 200;

let server: SshServer | undefined;
const send = (message: Upward): void => {
  if (process.connected) process.send?.(message);
};
const line = new Line(send);

process.on('message', (message) => {
  const parsed = downward.parse(message);
  if (parsed.kind === 'start') void start(parsed.order);
  else if (parsed.kind === 'stop') stop();
  else line.receive(parsed);
});
process.on('disconnect', stop);
// A service manager and a terminal signal the whole group; the forge decides when this process ends.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

async function start(order: StartOrder): Promise<void> {
  const { maxPushBytes, gitSeconds } = order;
  const limits = { maxPushBytes, gitSeconds };
  try {
    const git = new Git({ home: order.gitHome, searchPath: order.searchPath, limits });
    server = await openSshServer({ order, git, line });
    send({ kind: 'listening', port: server.port });
  } catch (error) {
    send({ kind: 'failed', message: errorMessage(error) });
  }
}

function stop(): void {
  server?.close();
  // The services were told to end; a moment for git to remove its lock files.
  setTimeout(() => process.exit(0), lastWordsMs);
}
