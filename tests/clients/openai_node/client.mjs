// What the openai package for Node sees: chat completions and responses.
import OpenAI from "openai";

const { BASE_URL, MODEL, BLOCKED } = process.env;
const options = { baseURL: BASE_URL, maxRetries: 0, timeout: 30_000 };
const client = new OpenAI({ ...options, apiKey: "sk-refusal" });
const strict = new OpenAI({ ...options, apiKey: "sk-error" });
const ask = (content) => [{ role: "user", content }];
const parameters = {
  type: "object",
  properties: { city: { type: "string" }, days: { type: "integer" } },
  required: ["city", "days"],
  additionalProperties: false,
};
const tool = { type: "function", function: { name: "get_weather", parameters } };
const schema = {
  type: "object",
  properties: { city: { type: "string" }, population: { type: "integer" } },
  required: ["city", "population"],
  additionalProperties: false,
};

const chat = (messages, more = {}, by = client) => by.chat.completions.create({ model: MODEL, messages, ...more });
const respond = (input, more = {}, by = client) => by.responses.create({ model: MODEL, input, ...more });
const seen = (answer) => ({
  text: answer.choices[0].message.content,
  finish: answer.choices[0].finish_reason,
  calls: (answer.choices[0].message.tool_calls ?? []).map((call) => [call.function.name, call.function.arguments]),
  usage: answer.usage?.total_tokens ?? null,
});
const items = (answer) => ({
  text: answer.output_text,
  status: answer.status,
  calls: answer.output.filter((item) => item.type === "function_call").map((item) => [item.name, item.arguments]),
});

const scenarios = {
  text: async () => seen(await chat(ask("背一首诗"))),
  stream: async () => {
    const out = { text: "", finish: [], usage: [] };
    for await (const chunk of await chat(ask("背一首诗"), { stream: true, stream_options: { include_usage: true } })) {
      for (const choice of chunk.choices) {
        out.text += choice.delta.content ?? "";
        if (choice.finish_reason) out.finish.push(choice.finish_reason);
      }
      if (chunk.usage) out.usage.push(chunk.usage.total_tokens);
    }
    return out;
  },
  tools: async () => {
    const first = await chat(ask("杭州天气如何？"), { tools: [tool] });
    const message = first.choices[0].message;
    const result = { role: "tool", tool_call_id: message.tool_calls[0].id, content: "晴" };
    return [seen(first), seen(await chat([...ask("杭州天气如何？"), message, result], { tools: [tool] }))];
  },
  tools_streamed: async () => {
    const stream = client.chat.completions.stream({ model: MODEL, messages: ask("杭州天气如何？"), tools: [tool] });
    return seen(await stream.finalChatCompletion());
  },
  structured: async () => {
    const format = { type: "json_schema", json_schema: { name: "city", schema, strict: true } };
    return JSON.parse((await chat(ask("杭州"), { response_format: format })).choices[0].message.content);
  },
  history: async () => {
    const { message } = (await chat(ask("背一首诗"))).choices[0];
    return seen(await chat([...ask("背一首诗"), message, ...ask("数一数")]));
  },
  error: async () => seen(await chat(ask("背一首诗"), { model: "unknown" })),
  blocked: async () => seen(await chat(ask(`请说${BLOCKED}`))),
  blocked_streamed: async () => {
    const stream = client.chat.completions.stream({ model: MODEL, messages: ask(`请说${BLOCKED}`) });
    return seen(await stream.finalChatCompletion());
  },
  blocked_as_error: async () => seen(await chat(ask(`请说${BLOCKED}`), {}, strict)),
  responses_text: async () => items(await respond("背一首诗")),
  responses_stream: async () => {
    const out = { text: "" };
    for await (const event of await respond("背一首诗", { stream: true })) {
      if (event.type === "response.output_text.delta") out.text += event.delta;
      if (event.response) out.last = event.type;
    }
    return out;
  },
  responses_helper: async () => {
    const stream = client.responses.stream({ model: MODEL, input: "背一首诗" });
    return items(await stream.finalResponse());
  },
  responses_tools: async () => {
    const flat = { type: "function", name: "get_weather", parameters, strict: true };
    const first = await respond("杭州天气如何？", { tools: [flat] });
    const result = { type: "function_call_output", call_id: first.output[0].call_id, output: "晴" };
    const input = [...ask("杭州天气如何？"), ...first.output, result];
    return [items(first), items(await respond(input, { tools: [flat] }))];
  },
  responses_structured: async () => {
    const format = { type: "json_schema", name: "city", schema, strict: true };
    return JSON.parse((await respond("杭州", { text: { format } })).output_text);
  },
  responses_history: async () => {
    const { output } = await respond(ask("背一首诗"));
    return items(await respond([...ask("背一首诗"), ...output, ...ask("数一数")]));
  },
  responses_error: async () => items(await respond("背一首诗", { model: "unknown" })),
  responses_blocked: async () => items(await respond(`请说${BLOCKED}`)),
  responses_blocked_as_error: async () => items(await respond(`请说${BLOCKED}`, {}, strict)),
};

const report = {};
for (const [name, scenario] of Object.entries(scenarios)) {
  try {
    report[name] = await scenario();
  } catch (error) {
    if (!(error instanceof OpenAI.APIError)) throw error;
    report[name] = { error: error.constructor.name, status: error.status ?? null, code: error.code ?? null };
  }
}
console.log(JSON.stringify(report));
