// Offers the commands of ph as tools over the Model Context Protocol, until the caller closes standard input.
import { statSync } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import type { Command } from 'commander';
import { exitMeanings, landFlowText, landFlowTitle, skillText } from '../../help/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { version } from '../built-in.ts';
import { wrongUse } from '../failure.ts';
import { callPh, type Answer } from '../mcp/call.ts';
import { describeTools, type Tool } from '../mcp/describe-tools.ts';
import { addLogResources } from '../mcp/log-resources.ts';

export async function mcp(program: Command): Promise<ExitStatus> {
  const server = new McpServer({ name: 'ph', version }, { instructions: landFlowText() });
  for (const tool of describeTools(program)) addTool(server, tool);
  addLogResources(server);
  server.registerResource(
    'land-flow',
    'ph-help://landing',
    { title: landFlowTitle, mimeType: 'text/markdown' },
    (uri) => ({ contents: [{ uri: uri.href, mimeType: 'text/markdown', text: skillText() }] }),
  );
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- it is no event target.
  server.server.onclose = () => close();
  process.stdin.once('end', () => void server.close());
  await server.connect(new StdioServerTransport());
  await closed;
  return exitStatus.done;
}

/** Adds a tool; what it may not be called with is refused by its description before ph starts. */
function addTool(server: McpServer, { name, description, inputs, argvOf, isReading }: Tool): void {
  const annotations = { readOnlyHint: isReading, openWorldHint: false };
  server.registerTool(name, { description, inputSchema: inputs, annotations }, async (given, extra) => {
    const { sendNotification, signal, _meta } = extra;
    const token = _meta?.progressToken;
    let progress = 0;
    const answer = await callPh({
      argv: argvOf(given),
      folder: folderOf(given['folder']),
      signal,
      onProgress: (message) => {
        if (token === undefined) return;
        progress += 1;
        const params = { progressToken: token, progress, message };
        // A caller who has gone needs no progress.
        sendNotification({ method: 'notifications/progress', params }).catch(() => {});
      },
    });
    return { content: [{ type: 'text' as const, text: textOf(answer) }], isError: isFault(answer) };
  });
}

function folderOf(given: unknown): string {
  if (typeof given !== 'string') return process.cwd();
  if (statSync(given, { throwIfNoEntry: false })?.isDirectory()) return given;
  throw wrongUse(`There is no folder ${given} here.`);
}

/** Red, moved and timed out are answers; the rest means that the call itself did not work. */
const isFault = ({ status }: Answer): boolean =>
  ![exitStatus.done, exitStatus.no, exitStatus.moved, exitStatus.timedOut].some((fine) => fine === status);

function textOf({ status, output, messages }: Answer): string {
  const meaning = exitMeanings[status] ?? 'unknown';
  return [output.trimEnd(), messages.trimEnd(), `exit status ${status}: ${meaning}`]
    .filter(Boolean)
    .join('\n');
}
