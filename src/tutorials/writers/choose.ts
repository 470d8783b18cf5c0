// The writer that the configuration names.
import { readFileSync } from 'node:fs';
import type { Config } from '../../forge/config.ts';
import { errorMessage } from '../../lib/errors.ts';
import { anthropicWriter } from './anthropic.ts';
import { commandWriter } from './command.ts';
import { openaiWriter } from './openai.ts';
import { outlineWriter } from './outline.ts';
import { WriterFailure, type TutorialWriter } from './writer.ts';

const usualUrls = { anthropic: 'https://api.anthropic.com', openai: 'https://api.openai.com' };

export function chooseWriter(config: Config): TutorialWriter {
  const { tutorials } = config;
  const { writer, maxInputBytes, maxAnswerBytes } = tutorials;
  const limits = { timeoutMs: tutorials.timeoutSeconds * 1000, maxInputBytes, maxAnswerBytes };
  if (writer === 'outline') return outlineWriter;
  if (writer === 'command') {
    const environment = { PATH: config.searchPath, LANG: 'C.UTF-8', ...tutorials.environment };
    return commandWriter({ command: tutorials.command, environment, ...limits });
  }
  const { keyFile, model, maxOutputTokens } = tutorials;
  const key = keyFile === undefined ? undefined : () => readKey(keyFile);
  const baseUrl = (tutorials.baseUrl ?? usualUrls[writer]).replace(/\/+$/, '');
  const settings = { baseUrl, model, key, maxOutputTokens, ...limits };
  return writer === 'anthropic' ? anthropicWriter(settings) : openaiWriter(settings);
}

function readKey(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new WriterFailure(`its key cannot be read: ${errorMessage(error)}`, {
      passes: false,
      cause: error,
    });
  }
}
