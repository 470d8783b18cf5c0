// The Chat Completions API of OpenAI, which most servers of models speak, local ones among them.
import { z } from 'zod';
import { readAnswer } from './answer.ts';
import { askModel, type ModelSettings } from './ask-server.ts';
import { makePrompt } from './prompt.ts';
import { WriterFailure, type TutorialWriter } from './writer.ts';

const answerShape = z.object({
  choices: z
    .array(
      z.object({
        message: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }),
        finish_reason: z.string().nullish(),
      }),
    )
    .min(1),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }).nullish(),
});

export const openaiWriter = (settings: ModelSettings): TutorialWriter => ({
  name: 'openai',
  write: async (input, signal) => {
    const { baseUrl, model, key } = settings;
    const prompt = makePrompt(input, settings.maxInputBytes);
    const answered = await askModel({
      url: `${baseUrl}/v1/chat/completions`,
      headers: key === undefined ? {} : { authorization: `Bearer ${key()}` },
      // The limit of the answer is left to the server: its name differs between servers and models.
      body: {
        model,
        messages: [
          { role: 'system', content: prompt.system },
          { role: 'user', content: prompt.text },
        ],
      },
      signal,
      timeoutMs: settings.timeoutMs,
      maxBytes: settings.maxAnswerBytes,
      key: key?.(),
    });
    const parsed = answerShape.safeParse(answered);
    const choice = parsed.data?.choices[0];
    if (choice === undefined) {
      throw new WriterFailure('its answer is none of the Chat Completions API', { passes: true });
    }
    if (choice.message.refusal || choice.finish_reason === 'content_filter') {
      throw new WriterFailure('the model refused to explain it', { passes: false });
    }
    return {
      body: readAnswer(choice.message.content ?? '', prompt.names, choice.finish_reason === 'length'),
      usage: {
        model,
        ...prompt.cut,
        inputTokens: parsed.data?.usage?.prompt_tokens,
        outputTokens: parsed.data?.usage?.completion_tokens,
      },
    };
  },
});
