// What Vercel's `ai` sees through one of its providers, named by the first argument.
import { APICallError, Output, generateText, stepCountIs, streamText, tool } from "ai";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { z } from "zod";

const { BASE_URL, MODEL, BLOCKED } = process.env;
const providers = {
  openai: (apiKey) => (name) => createOpenAI({ baseURL: BASE_URL, apiKey })(name),
  openai_chat: (apiKey) => (name) => createOpenAI({ baseURL: BASE_URL, apiKey }).chat(name),
  openai_compatible: (apiKey) => (name) =>
    createOpenAICompatible({
      name: "here",
      baseURL: BASE_URL,
      apiKey,
      includeUsage: true,
      supportsStructuredOutputs: true,
    })(name),
};
const provider = providers[process.argv[2]];
const options = (prompt, name = MODEL, key = "sk-refusal") => ({
  model: provider(key)(name),
  prompt,
  maxRetries: 0,
});
const seen = (result) => ({
  text: result.text,
  finish: result.finishReason,
  usage: result.usage.totalTokens ?? null,
});
const streamed = async (prompt, more = {}) => {
  let failure;
  const result = streamText({ ...options(prompt), ...more, onError: ({ error }) => (failure = error) });
  let text = "";
  for await (const piece of result.textStream) text += piece;
  if (failure) throw failure;
  return { text, finish: await result.finishReason };
};
const weather = (asked) => ({
  tools: {
    get_weather: tool({
      description: "The weather of a city.",
      inputSchema: z.object({ city: z.string(), days: z.number() }),
      execute: async (input) => {
        asked.push(input);
        return "晴";
      },
    }),
  },
  stopWhen: stepCountIs(3),
});

const scenarios = {
  text: async () => seen(await generateText(options("背一首诗"))),
  stream: async () => streamed("背一首诗"),
  tools: async () => {
    const asked = [];
    const result = await generateText({ ...options("杭州天气如何？"), ...weather(asked) });
    return { ...seen(result), calls: asked, steps: result.steps.map((step) => step.finishReason) };
  },
  tools_streamed: async () => {
    const asked = [];
    return { ...(await streamed("杭州天气如何？", weather(asked))), calls: asked };
  },
  structured: async () => {
    const schema = z.object({ city: z.string(), population: z.number() });
    const result = await generateText({ ...options("杭州"), output: Output.object({ schema }) });
    return result.output;
  },
  structured_streamed: async () => {
    const schema = z.object({ city: z.string(), population: z.number() });
    const result = streamText({ ...options("杭州"), output: Output.object({ schema }) });
    return await result.output;
  },
  history: async () => {
    const question = { role: "user", content: "背一首诗" };
    // Otherwise the responses provider names stored items in place of sending them: the proxy refuses references.
    const { prompt, ...rest } = { ...options(""), providerOptions: { openai: { store: false } } };
    const first = await generateText({ ...rest, messages: [question] });
    const messages = [question, ...first.response.messages, { role: "user", content: "数一数" }];
    return seen(await generateText({ ...rest, messages }));
  },
  error: async () => seen(await generateText(options("背一首诗", "unknown"))),
  blocked: async () => seen(await generateText(options(`请说${BLOCKED}`))),
  blocked_streamed: async () => streamed(`请说${BLOCKED}`),
  blocked_as_error: async () => seen(await generateText(options(`请说${BLOCKED}`, MODEL, "sk-error"))),
};

const report = {};
for (const [name, scenario] of Object.entries(scenarios)) {
  try {
    report[name] = await scenario();
  } catch (error) {
    if (!APICallError.isInstance(error)) throw error;
    report[name] = { error: error.name, status: error.statusCode ?? null, code: error.data?.error?.code ?? null };
  }
}
console.log(JSON.stringify(report));
