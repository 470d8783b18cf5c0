// A debug shell for one client of SSH: what the forge grants is started, carried, and ended when its time is up or the
// client goes. That nothing of it lives afterwards is the forge's duty, which is told of its end.
import { remark, type CommandClient, type CommandParts } from './command-client.ts';
import type { WantedShell } from './model.ts';
import { startShell, type RunningShell } from './start-shell.ts';

const warnMs = 60_000;
const endOfFile = '\u0004';
const againMs = 1000;
/** As timeout(1) answers. */
const overtimeStatus = 124;

export async function serveShell(
  client: CommandClient,
  wanted: WantedShell,
  { clerk, identity, services }: CommandParts,
): Promise<void> {
  const { terminal, gone } = client;
  const asked = terminal === undefined ? wanted : { ...wanted, term: terminal.term };
  const granted = await clerk.ask({ kind: 'shell', identity, wanted: asked }, gone);
  let status: number;
  try {
    if (gone.aborted) return;
    for (const line of granted.greeting) remark(client, line);
    if (client.noTerminal !== undefined) remark(client, client.noTerminal);
    const running = startShell(granted, terminal);
    services.add(running);
    try {
      status = await carry(client, running, granted.limitMs);
      const farewell = await clerk.ask({ kind: 'farewell', serviceId: granted.id });
      if (farewell !== null) remark(client, farewell);
    } finally {
      services.delete(running);
    }
  } finally {
    clerk.tellEnded(granted.id);
  }
  // Only now, so that whoever comes back at once finds the forge knowing that this one is over.
  client.exit(status);
}

/**
 * Gives the shell what the client sends. A terminal has no end of its own: it is typed, and again for whoever read it in
 * between, because nothing else will ever come.
 */
function feed({ input, terminal }: CommandClient, { stdin, ended }: RunningShell): void {
  input.pipe(stdin, { end: terminal === undefined });
  if (terminal === undefined) return;
  input.once('end', () => {
    stdin.write(endOfFile);
    const timer = setInterval(() => stdin.write(endOfFile), againMs);
    void ended.catch(() => undefined).finally(() => clearInterval(timer));
  });
}

/** Answers the exit status for the client. */
async function carry(client: CommandClient, running: RunningShell, limitMs: number): Promise<number> {
  let isOver = false;
  const timers = [
    setTimeout(() => {
      isOver = true;
      running.stop();
    }, limitMs),
  ];
  if (limitMs > warnMs) {
    timers.push(setTimeout(() => remark(client, 'this shell ends in a minute.'), limitMs - warnMs));
  }
  const { terminal, gone, errors } = client;
  gone.addEventListener('abort', () => running.stop());
  terminal?.watchSize((size) => running.resize(size));
  client.carry(running.stdout);
  running.stderr.pipe(errors, { end: false });
  feed(client, running);
  try {
    const code = await running.ended;
    if (!isOver) return code;
    remark(client, `the time of this shell is up (${limitMs / 60_000} min). Open another if you need one.`);
    return overtimeStatus;
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}
