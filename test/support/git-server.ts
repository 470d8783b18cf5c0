// A forge that serves git over SSH and HTTP, with its push rules and its spool, and without pages or lanes.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { addKey } from '../../src/accounts/add-key.ts';
import { createToken } from '../../src/accounts/create-token.ts';
import type { AccountRole, Caller, TokenScope } from '../../src/accounts/model.ts';
import { openBranches, type Branches } from '../../src/branches/open.ts';
import { decidePush } from '../../src/branches/policy.ts';
import { ForgeError } from '../../src/lib/errors.ts';
import type { ShellRules } from '../../src/transport/desk.ts';
import { openTransport, type Transport } from '../../src/transport/open.ts';
import type { TestForge } from './forge.ts';
import { makeClient, type GitClient } from './git-client.ts';

export interface Person extends GitClient {
  caller: Caller;
  /** A new token of the account. */
  token: (scope?: TokenScope) => string;
}

export interface GitServer {
  transport: Transport;
  branches: Branches;
  /** `http://127.0.0.1:PORT`. */
  http: string;
  sshPort: number;
  /** `ssh://git@127.0.0.1:PORT/OWNER/NAME.git`. */
  sshUrl: (fullName: string) => string;
  /** With the token in the URL as git clients take it. */
  httpUrl: (fullName: string, token?: string) => string;
  /** A new account with a key that the forge knows, and a checkout. */
  person: (name: string, role?: AccountRole) => Promise<Person>;
}

/** Of a forge without lanes. */
const noShells: ShellRules = {
  open: () => Promise.reject(new ForgeError('not_found', 'There are no lanes here.')),
  farewell: () => undefined,
  end: () => undefined,
};

export async function serveGit(test: TestForge, shells: ShellRules = noShells): Promise<GitServer> {
  const { forge } = test;
  const branches = openBranches(forge);
  const transport = await openTransport(forge, {
    pushes: { decide: decidePush, ingest: (pushId) => branches.ingest(pushId) },
    shells,
  });
  const http = createServer(express().use(transport.httpRoutes));
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
  test.defer(async () => {
    http.closeAllConnections();
    await new Promise((resolve) => void http.close(resolve));
    await transport.stop();
    await branches.stop();
  });
  const { port } = http.address() as AddressInfo;
  const sshPort = transport.sshAddress.port;
  forge.config.ssh.port = sshPort;
  forge.config.http.port = port;
  return {
    transport,
    branches,
    http: `http://127.0.0.1:${port}`,
    sshPort,
    sshUrl: (fullName) => `ssh://git@127.0.0.1:${sshPort}/${fullName}.git`,
    httpUrl: (fullName, token) =>
      `http://${token === undefined ? '' : `x:${token}@`}127.0.0.1:${port}/${fullName}.git`,
    person: async (name, role) => {
      const { account, caller } = test.account(name, role);
      const client = await makeClient(test.folder, { name });
      addKey(forge, { accountId: account.id, text: client.key.publicText });
      return {
        ...client,
        caller,
        token: (scope = 'write') => createToken(forge, { accountId: account.id, scope, label: 'test' }),
      };
    },
  };
}
