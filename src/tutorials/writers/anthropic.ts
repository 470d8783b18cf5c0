// The Messages API of Anthropic, and of what speaks like it.
import { z } from 'zod';
import { readAnswer } from './answer.ts';
import { askModel, type ModelSettings } from './ask-server.ts';
import { makePrompt } from './prompt.ts';
import { WriterFailure, type TutorialWriter } from './writer.ts';

const apiVersion = '2023-06-01';

const answerShape = z.object({
  content: z.array(z.object({ type: z.string(), text: z.string().optional() })),
  stop_reason: z.string().nullable(),
  usage: z.object({ input_tokens: z.number(), output_tokens: z.number() }).optional(),
});

export const anthropicWriter = (settings: ModelSettings): TutorialWriter => ({
  name: 'anthropic',
  write: async (input, signal) => {
    const { baseUrl, model, key, maxOutputTokens } = settings;
    const prompt = makePrompt(input, settings.maxInputBytes);
    const answered = await askModel({
      url: `${baseUrl}/v1/messages`,
      headers: { 'anthropic-version': apiVersion, ...(key === undefined ? {} : { 'x-api-key': key() }) },
      body: {
        model,
        max_tokens: maxOutputTokens,
        system: prompt.system,
        messages: [{ role: 'user', content: prompt.text }],
      },
      signal,
      timeoutMs: settings.timeoutMs,
      maxBytes: settings.maxAnswerBytes,
      key: key?.(),
    });
    const parsed = answerShape.safeParse(answered);
    if (!parsed.success) throw new WriterFailure('its answer is none of the Messages API', { passes: true });
    const { content, stop_reason: stopReason, usage } = parsed.data;
    if (stopReason === 'refusal')
      throw new WriterFailure('the model refused to explain it', { passes: false });
    const text = content.map((part) => part.text ?? '').join('');
    return {
      body: readAnswer(text, prompt.names, stopReason === 'max_tokens'),
      usage: {
        model,
        ...prompt.cut,
        inputTokens: usage?.input_tokens,
        outputTokens: usage?.output_tokens,
      },
    };
  },
});
