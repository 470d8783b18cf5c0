// The writers that ask somebody else, against a server and programs that speak as the real ones do.
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/forge/config.ts';
import type { DiffFile } from '../../src/git/diff.ts';
import { chooseWriter } from '../../src/tutorials/writers/choose.ts';
import { retryAfter } from '../../src/tutorials/writers/ask-server.ts';
import { readAnswer } from '../../src/tutorials/writers/answer.ts';
import { makePrompt } from '../../src/tutorials/writers/prompt.ts';
import type { TutorialWriter, WriterInput } from '../../src/tutorials/writers/writer.ts';

const key = 'sk-very-secret';
let folder: string;
let origin: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked: { url: string | undefined; headers: IncomingMessage['headers']; body: Record<string, unknown> }[] =
  [];
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
    asked.push({ url: request.url, headers: request.headers, body });
    answer(request, response);
  });
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pika-writers-'));
  writeFileSync(join(folder, 'key'), `${key}\n`);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
  rmSync(folder, { recursive: true });
});

function fileOf(path: string, status: DiffFile['status'], hunks: string[]): DiffFile {
  const oid = 'a'.repeat(40);
  return {
    status,
    oldPath: path,
    newPath: path,
    oldMode: '100644',
    newMode: '100644',
    oldOid: oid,
    newOid: oid,
    binary: false,
    added: 1,
    removed: 1,
    tooLarge: false,
    hunks: hunks.map((text) => ({
      oldStart: 1,
      oldLines: 1,
      newStart: 1,
      newLines: 1,
      section: '',
      lines: [
        { kind: 'removed', text: `old ${text}` },
        { kind: 'added', text: `new ${text}` },
      ],
    })),
  };
}

/** Two files, of which the first has two hunks. */
const sampleInput = (): WriterInput => ({
  title: 'Sample',
  commits: [{ subject: 'One', body: 'Because.', paths: ['a.ts', 'b.ts'] }],
  diff: {
    files: [fileOf('a.ts', 'modified', ['first', 'second']), fileOf('b.ts', 'added', ['third'])],
    truncated: false,
  },
});

const settingsOf = (tutorials: Record<string, unknown>) =>
  readConfig(folder, { tutorials }, { PATH: process.env['PATH'] });
const modelOf = (writer: 'anthropic' | 'openai', more: Record<string, unknown> = {}) =>
  chooseWriter(
    settingsOf({ writer, baseUrl: `${origin}/`, model: 'model-1', keyFile: join(folder, 'key'), ...more }),
  );

const tutorial = {
  summary: 'It changes a and adds b.',
  steps: [
    { title: 'The change', intent: 'So that b can be.', prose: 'Look at **a**.', hunks: ['h1-h2'] },
    { title: 'The addition', intent: '', prose: '', hunks: ['h3', 'h99', 'nonsense'] },
  ],
};
const steps = [
  {
    title: 'The change',
    intent: 'So that b can be.',
    prose: 'Look at **a**.',
    hunks: [
      { path: 'a.ts', hunk: 0 },
      { path: 'a.ts', hunk: 1 },
    ],
    folded: false,
  },
  { title: 'The addition', intent: '', prose: '', hunks: [{ path: 'b.ts', hunk: 0 }], folded: false },
];

const ask = async (writer: TutorialWriter) => writer.write(sampleInput(), new AbortController().signal);

function reply(body: unknown, status = 200, headers: Record<string, string> = {}): void {
  asked = [];
  answer = (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

const wire = {
  anthropic: (text: string, stop = 'end_turn') => ({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'model-1',
    content: [{ type: 'text', text }],
    stop_reason: stop,
    stop_sequence: null,
    usage: { input_tokens: 1200, output_tokens: 340 },
  }),
  openai: (text: string | null, finish = 'stop', refusal: string | null = null) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'model-1',
    choices: [{ index: 0, message: { role: 'assistant', content: text, refusal }, finish_reason: finish }],
    usage: { prompt_tokens: 1200, completion_tokens: 340, total_tokens: 1540 },
  }),
};

test('anthropic: is asked by its Messages API, and its answer becomes the tutorial with what it cost', async () => {
  reply(wire.anthropic(JSON.stringify(tutorial)));
  const written = await ask(modelOf('anthropic'));
  expect(written.body).toEqual({ summary: tutorial.summary, steps });
  expect(written.usage).toEqual({
    model: 'model-1',
    shownHunks: 3,
    allHunks: 3,
    inputTokens: 1200,
    outputTokens: 340,
  });
  expect(asked[0]).toMatchObject({
    url: '/v1/messages',
    headers: { 'x-api-key': key, 'anthropic-version': '2023-06-01', 'content-type': 'application/json' },
    body: { model: 'model-1', max_tokens: 16_000, messages: [{ role: 'user' }] },
  });
});

test('openai: is asked by its Chat Completions API, and its answer becomes the tutorial', async () => {
  reply(wire.openai(JSON.stringify(tutorial)));
  const written = await ask(modelOf('openai'));
  expect(written.body.steps).toEqual(steps);
  expect(written.usage).toMatchObject({ inputTokens: 1200, outputTokens: 340 });
  expect(asked[0]).toMatchObject({
    url: '/v1/chat/completions',
    headers: { authorization: `Bearer ${key}` },
    body: { model: 'model-1', messages: [{ role: 'system' }, { role: 'user' }] },
  });
});

test('a server without a key is asked without one', async () => {
  reply(wire.openai(JSON.stringify(tutorial)));
  await ask(modelOf('openai', { keyFile: undefined }));
  expect(asked[0]?.headers.authorization).toBeUndefined();
});

describe('what a server answers instead', () => {
  test.each([
    [429, { error: { message: 'Slow down' } }, { 'retry-after': '7' }, { passes: true, retryAfterMs: 7000 }],
    [
      529,
      { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
      {},
      { passes: true },
    ],
    [500, 'Internal Server Error', {}, { passes: true }],
    [401, { error: { message: `Incorrect API key provided: ${key}` } }, {}, { passes: false }],
    [400, { error: { message: 'max_tokens: too large' } }, {}, { passes: false }],
    [302, '', { location: 'http://127.0.0.1:1/' }, { passes: false }],
  ])('%i is told without the key, and whether it passes', async (status, body, headers, expected) => {
    reply(body, status, headers);
    const failure: unknown = await ask(modelOf('anthropic')).catch((error: unknown) => error);
    expect(failure).toMatchObject({ ...expected, message: expect.stringContaining(`it answered ${status}`) });
    expect(String(failure)).not.toContain(key);
    expect(asked).toHaveLength(1);
  });

  test.each<['anthropic' | 'openai', unknown, string, boolean]>([
    ['anthropic', wire.anthropic('I cannot help with that.', 'refusal'), 'refused', false],
    ['openai', wire.openai(null, 'stop', 'I cannot help with that.'), 'refused', false],
    ['openai', wire.openai(null, 'content_filter'), 'refused', false],
    ['anthropic', wire.anthropic('{"summary": "It ch', 'max_tokens'), 'cut at the limit', false],
    ['openai', wire.openai('{"summary": "It ch', 'length'), 'cut at the limit', false],
    ['anthropic', wire.anthropic('Sure! Here you go.'), 'holds no tutorial', true],
    ['openai', wire.openai(''), 'holds no tutorial', true],
    ['anthropic', { ok: true }, 'none of the Messages API', true],
    ['openai', { choices: [] }, 'none of the Chat Completions API', true],
    ['openai', '<html>Bad gateway</html>', 'no JSON', true],
    [
      'openai',
      wire.openai(JSON.stringify({ ...tutorial, steps: [{ title: 'x', hunks: ['h77'] }] })),
      'no hunk',
      true,
    ],
  ])('%s: %j fails with a sentence', async (writer, body, sentence, passes) => {
    reply(body);
    await expect(ask(modelOf(writer))).rejects.toMatchObject({
      message: expect.stringContaining(sentence),
      passes,
    });
  });

  test('one that drips is left when its time is over, and one that floods when it has said too much', async () => {
    answer = (_request, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(drip));
    };
    await expect(ask(modelOf('openai', { timeoutSeconds: 1 }))).rejects.toMatchObject({
      message: 'it did not answer in 1 seconds',
      passes: true,
    });
    reply(' '.repeat(5000));
    await expect(ask(modelOf('openai', { maxAnswerBytes: 4000 }))).rejects.toMatchObject({
      message: 'its answer has more than 4000 bytes',
      passes: false,
    });
  });

  test('one that is not there, and a key that is not there, are told apart', async () => {
    const nobody = modelOf('openai', { baseUrl: 'http://127.0.0.1:1' });
    await expect(ask(nobody)).rejects.toMatchObject({
      message: expect.stringContaining('cannot be reached'),
      passes: true,
    });
    const keyless = modelOf('openai', { keyFile: join(folder, 'none') });
    await expect(ask(keyless)).rejects.toMatchObject({
      message: expect.stringContaining('key cannot be read'),
      passes: false,
    });
  });

  test('retry-after is read as seconds and as a date, and bounded', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    expect(retryAfter('30', now)).toBe(30_000);
    expect(retryAfter('Thu, 01 Jan 2026 00:01:00 GMT', now)).toBe(60_000);
    expect(retryAfter('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0);
    expect(retryAfter('99999999', now)).toBe(3_600_000);
    expect([retryAfter('soon', now), retryAfter(null, now)]).toEqual([undefined, undefined]);
  });
});

describe('a program', () => {
  const programOf = (script: string, more: Record<string, unknown> = {}) => {
    const path = join(folder, `writer-${Math.random()}`);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o700);
    return chooseWriter(settingsOf({ writer: 'command', command: [path, 'an argument'], ...more }));
  };

  test('reads the prompt on standard input and answers with prose around a fence', async () => {
    writeFileSync(join(folder, 'answer.json'), JSON.stringify(tutorial, undefined, 2));
    const got = join(folder, 'got');
    const writer = programOf(
      `cat > ${got}; echo "$1, $HELLO, \${HOME-no home}" >> ${got}\n` +
        `echo 'Here is {what} you wanted:'; echo '\`\`\`json'; cat ${folder}/answer.json; echo '\`\`\`'; echo 'Bye {}'`,
      { environment: { HELLO: 'hello' } },
    );
    expect((await ask(writer)).body).toEqual({ summary: tutorial.summary, steps });
    const prompt = readFileSync(got, 'utf8');
    expect(prompt).toContain('-old second');
    expect(prompt).toContain('END BRANCH');
    expect(prompt).toContain('an argument, hello, no home');
  });

  test.each<[string, string, boolean]>([
    ['echo first >&2; echo no money left >&2; exit 3', 'it ended with status 3: no money left', false],
    ['exit 75', 'it ended with status 75', true],
    ['kill -9 $$', 'it was killed', true],
    ['echo nothing', 'its answer holds no tutorial', true],
    ['yes', 'its answer has more than 5000 bytes', false],
  ])('%s is told', async (script, sentence, passes) => {
    const writer = programOf(script, { maxAnswerBytes: 5000 });
    await expect(ask(writer)).rejects.toMatchObject({ message: expect.stringContaining(sentence), passes });
  });

  test('one that does not end is killed with what it started', async () => {
    const pidFile = join(folder, 'pid');
    const writer = programOf(`sleep 1000 & echo $! > ${pidFile}; wait`, { timeoutSeconds: 1 });
    await expect(ask(writer)).rejects.toMatchObject({ message: 'it did not end in 1 seconds', passes: true });
    const pid = readFileSync(pidFile, 'utf8').trim();
    await expect
      .poll(() => existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
      .toBeFalsy();
  });

  test('one that is not there is told', async () => {
    const writer = chooseWriter(settingsOf({ writer: 'command', command: ['/nowhere/agent'] }));
    await expect(ask(writer)).rejects.toMatchObject({
      message: expect.stringContaining('cannot be started'),
      passes: false,
    });
  });
});

describe('the answer', () => {
  const { names } = makePrompt(sampleInput(), 100_000);
  const read = (text: string) => readAnswer(text, names, false);

  test('is found in a fence, in prose with braces, and in an object around it', () => {
    const text = JSON.stringify(tutorial);
    for (const around of [text, `\`\`\`\n${text}\n\`\`\``, `{a} "{" ${text} }{`, `{"tutorial": ${text}}`]) {
      expect(read(around).steps).toEqual(steps);
    }
  });

  test('keeps no control characters, no marks that turn text around, and no more than it may', () => {
    const evil = '\u001B[31mred\u001B[0m \u202Eturned\u2066 \u0007' + 'x'.repeat(20_000);
    const { summary, steps: read1 } = read(
      JSON.stringify({ summary: evil, steps: [{ title: `two\nlines ${evil}`, prose: evil, hunks: ['H1'] }] }),
    );
    expect(summary.startsWith('red turned')).toBe(true);
    expect([summary.length, read1[0]?.prose.length]).toEqual([2000, 10_000]);
    expect(read1[0]?.title).toMatch(/^two lines red turned x/);
  });

  test('with many braces is read in bounded time', () => {
    expect(() => read('{'.repeat(1_000_000))).toThrow('holds no tutorial');
  });

  test('has at most twelve steps, and ranges end where the branch ends', () => {
    const many = Array.from({ length: 40 }, (_, index) => ({ title: `s${index}`, hunks: ['h1-h9999999'] }));
    const { steps: read2 } = read(JSON.stringify({ summary: '', steps: many }));
    expect([read2.length, read2[0]?.hunks.length]).toEqual([12, 3]);
  });
});

describe('the prompt', () => {
  test('names every hunk before it shows any, and says what it does not show', () => {
    const input = sampleInput();
    const whole = makePrompt(input, 100_000);
    expect(whole.cut).toEqual({ shownHunks: 3, allHunks: 3 });
    expect(whole.text).toContain('File "a.ts" (modified): h1-h2');
    expect(whole.text).not.toContain('not shown');
    const room = Buffer.byteLength(whole.text) + Buffer.byteLength(whole.system) - 30;
    const cut = makePrompt(input, room);
    expect(cut.cut.shownHunks).toBeLessThan(3);
    expect(cut.text).toContain('File "b.ts" (added): h3');
    expect(cut.text).toMatch(/\(\d of 3 hunks are named above and not shown\.\)/);
  });
});

test('a writer that lacks what it needs is refused at the start', () => {
  expect(() => settingsOf({ writer: 'command' })).toThrow('needs the program to run');
  expect(() => settingsOf({ writer: 'openai' })).toThrow('needs its name');
});
