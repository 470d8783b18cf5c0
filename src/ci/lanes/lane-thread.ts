// The entry of a lane thread: checks out, runs the command in its sandbox, writes its output to the log and
// ends it for certain. It reaches neither the database nor the forge; it is told everything in `start`.
import { parentPort } from 'node:worker_threads';
import { isDiskFull } from '../../lib/disk-full.ts';
import { errorMessage } from '../../lib/errors.ts';
import {
  orderMessage,
  startMessage,
  type LaneResult,
  type ReportMessage,
  type StartMessage,
} from './lane-message.ts';
import { withTests } from '../tests/read-reports.ts';
import { RunningLane } from './running-lane.ts';

const port = parentPort;
if (port === null) throw new Error('lane-thread.ts runs as a thread of the forge only');
const report = (message: ReportMessage): void => port.postMessage(message);

let lane: RunningLane | undefined;

port.on('message', (message: unknown) => {
  const order = orderMessage.parse(message);
  if (order.type === 'start') void run(startMessage.parse(order));
  else if (order.type === 'lease') lane?.extendLease(order.leaseMs);
  else lane?.stop(order.cause);
});

async function run(start: StartMessage): Promise<void> {
  lane = new RunningLane(start, {
    output: (logBytes) => report({ type: 'output', logBytes }),
    heartbeat: (logBytes) => report({ type: 'heartbeat', logBytes }),
  });
  let result: LaneResult;
  try {
    result = await withTests(start, await lane.run());
  } catch (error) {
    const message = isDiskFull(error) ? 'the disk of the forge is full' : errorMessage(error);
    result = { outcome: 'failed', failureKind: 'infrastructure', message };
  }
  report({ type: 'finished', logBytes: lane.logBytes, result });
  port?.close();
}

report({ type: 'ready' });
