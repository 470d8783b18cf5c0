// One search through a log, in a thread of its own: hundreds of megabytes must not hold up a page.
import { parentPort, workerData } from 'node:worker_threads';
import { scanLog, scanOrder } from './log-scan.ts';

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort?.postMessage(scanLog(scanOrder.parse(workerData)));
