// A client of `ph mcp`, as a coding agent has one.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterEach } from 'vitest';
import { z } from 'zod';

const textAnswer = z.object({
  content: z.array(z.object({ type: z.literal('text'), text: z.string() })).length(1),
  isError: z.boolean().optional(),
});

export interface Agent {
  client: Client;
  /** Calls a tool and answers what it says; `status` is the exit status that it ends with. */
  call: (tool: string, inputs?: Record<string, unknown>) => Promise<ToolAnswer>;
}

export interface ToolAnswer {
  text: string;
  status: number | undefined;
  isError: boolean;
}

export interface AgentOptions {
  command: string[];
  cwd: string;
  env: Record<string, string>;
}

/** For the top of a test file; every `ph mcp` is ended after its test. */
export function useAgent(): (options: AgentOptions) => Promise<Agent> {
  const opened: Client[] = [];
  afterEach(async () => {
    for (const client of opened.splice(0)) await client.close();
  });
  return async ({ command: [command = '', ...args], cwd, env }) => {
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(new StdioClientTransport({ command, args, cwd, env, stderr: 'ignore' }));
    opened.push(client);
    return {
      client,
      call: async (name, inputs = {}) => {
        const { content, isError } = textAnswer.parse(
          await client.callTool({ name, arguments: inputs }, undefined, { timeout: 280_000 }),
        );
        const text = content[0]?.text ?? '';
        const status = /^exit status (\d+)/m.exec(text)?.[1];
        return { text, status: status === undefined ? undefined : Number(status), isError: isError === true };
      },
    };
  };
}
